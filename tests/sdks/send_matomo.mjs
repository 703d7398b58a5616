// URL KEY COUNT PAUSE_SECONDS: "Demo Requested" so many times by a Node tracker for Matomo, one by
// one and in bulk.
import { setTimeout as wait } from "node:timers/promises";
import MatomoTracker from "matomo-tracker";

const [url, key, count, pause] = process.argv.slice(2);
const tracker = new MatomoTracker(key, `${url}/matomo.php`);
const who = { uid: "u-1", _id: "0123456789abcdef" };
const page = { ...who, url: "https://shop.example/pricing", action_name: "Pricing" };
tracker.on("error", (error) => { throw new Error(String(error)); });
tracker.track({ ...page });
const bulk = [];
for (let index = 0; index < Number(count); index += 1) {
  const event = { ...page, e_c: "sales", e_a: "Demo Requested", dimension1: String(index), rand: index };
  if (index % 2) tracker.track(event);
  else bulk.push(event);
  await wait(Number(pause) * 1000);
}
tracker.trackBulk(bulk, (answer) => {
  if (JSON.parse(answer).invalid !== 0) throw new Error(answer);
});
