// The page of destinations: asks the API with the token that was typed in. Whatever the API says is
// put in as text, never as markup.
"use strict";

const form = document.getElementById("access");
const told = document.getElementById("told");
const table = document.getElementById("destinations");

function tell(words, bad) {
  told.textContent = words;
  told.className = bad ? "bad" : "";
}

async function ask(method, path) {
  const token = document.getElementById("token").value;
  const response = await fetch(path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    credentials: "omit",
  });
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(response.status === 401 ? "This token isn't the API's." : answer.error.message);
  }
  return answer;
}

function cell(row, text) {
  const made = row.insertCell();
  made.textContent = text;
  return made;
}

function testing(row, name) {
  const button = document.createElement("button");
  const output = document.createElement("output");
  button.type = "button";
  button.textContent = "Send a test";
  button.setAttribute("aria-label", `Send a test to ${name}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    output.className = "";
    output.textContent = "Sending …";
    try {
      const sent = await ask("POST", `v1/destinations/${encodeURIComponent(name)}/test`);
      output.className = sent.ok ? "good" : "bad";
      output.textContent = sent.ok ? `Taken: ${sent.answer}` : `Not taken: ${sent.answer}`;
    } catch (error) {
      output.className = "bad";
      output.textContent = error.message;
    }
    button.disabled = false;
  });
  row.insertCell().append(button, output);
}

function show(destinations) {
  const body = table.tBodies[0];
  body.replaceChildren();
  for (const each of destinations) {
    const row = body.insertRow();
    cell(row, each.name);
    cell(row, each.kind);
    cell(row, each.address);
    cell(row, each.disabled_why ? `${each.state}: ${each.disabled_why}` : each.state);
    cell(row, String(each.waiting));
    testing(row, each.name);
  }
  table.hidden = destinations.length === 0;
  tell(destinations.length ? "" : "There is no destination yet. Add one by: leadscore destinations add");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    show((await ask("GET", "v1/destinations")).items);
  } catch (error) {
    table.hidden = true;
    tell(error.message, true);
  }
});
