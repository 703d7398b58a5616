"""Reading the fields of a form, and parting them."""

from __future__ import annotations

import pytest

from services.ingest.form_fields import FORM_FIELDS, part_answers, read_fields
from services.ingest.refusal import Refusal

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"


def multipart(*parts: tuple[str, str, str | None]) -> bytes:
    """(name, content, file name or None) as a multipart body."""
    lines = []
    for name, content, filename in parts:
        file = "" if filename is None else f'; filename="{filename}"'
        lines += ["--XX", f'Content-Disposition: form-data; name="{name}"{file}', "", content]
    return "\r\n".join([*lines, "--XX--", ""]).encode()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URLENCODED, b"email=sarah%40example.com&note=Gr%C3%BC%C3%9Fe+aus+Wien&topic=a&topic=b"),
        (
            MULTIPART,
            multipart(
                ("email", "sarah@example.com", None),
                ("note", "Grüße aus Wien", None),
                ("topic", "a", None),
                ("topic", "b", None),
            ),
        ),
        (
            "text/plain;charset=UTF-8",
            '{"email":"sarah@example.com","note":"Grüße aus Wien","topic":["a","b"]}'.encode(),
        ),
    ],
)
async def test_urlencoded_multipart_and_json_say_the_same(content_type: str, body: bytes) -> None:
    """The three ways give the same fields; a repeated field is a list."""
    assert await read_fields(content_type, body) == {
        "email": "sarah@example.com",
        "note": "Grüße aus Wien",
        "topic": ["a", "b"],
    }


async def test_a_file_is_refused_by_name_and_an_empty_file_input_is_passed_over() -> None:
    """Browsers send a part for a file input even when nothing was chosen."""
    empty = multipart(("email", "a@b.co", None), ("cv", "", ""))
    assert await read_fields(MULTIPART, empty) == {"email": "a@b.co"}
    with pytest.raises(Refusal) as refused:
        await read_fields(MULTIPART, multipart(("cv", "data", "cv.pdf")))
    assert (refused.value.status, refused.value.code) == (400, "file_refused")
    assert refused.value.path == "cv"


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        (URLENCODED, b"&".join(b"f%d=1" % n for n in range(FORM_FIELDS + 1)), "too_many_fields"),
        (
            MULTIPART,
            multipart(*((f"f{n}", "1", None) for n in range(FORM_FIELDS + 1))),
            "too_many_fields",
        ),
        (URLENCODED, b"note=%ff%fe", "not_utf8"),
        (URLENCODED, b"note=\xff", "not_utf8"),
        (URLENCODED, b"note=a%00b", "null_character"),
        (URLENCODED, b"note=" + b"a" * 9000, "text_too_long"),
        (MULTIPART, b"--XX\r\nnonsense", "multipart_broken"),
        ("multipart/form-data", b"--XX--", "multipart_broken"),
        (URLENCODED, b'{"email": NaN}', "not_json"),
        (URLENCODED, b'{"a":' * 30 + b"1" + b"}" * 30, "too_deep"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_a_reason(
    content_type: str, body: bytes, code: str
) -> None:
    """Never anything but a Refusal with status 400."""
    with pytest.raises(Refusal) as refused:
        await read_fields(content_type, body)
    assert (refused.value.status, refused.value.code) == (400, code)


async def test_the_path_of_a_refusal_is_the_name_of_the_field() -> None:
    """So that whoever made the form knows where to look."""
    with pytest.raises(Refusal) as refused:
        await read_fields(URLENCODED, b"comment=a%00b")
    assert refused.value.path == "comment"


def test_known_names_become_traits_and_the_rest_properties() -> None:
    """Spelling, blanks and Contact Form 7's prefix don't matter; the form's own names stay out."""
    answers = part_answers(
        {
            "your-email": " sarah@example.com ",
            "First Name": "Sarah",
            "Company": "Acme",
            "budget": "10-20k",
            "topics": ["tax", "funds"],
            "empty": " ",
            "_redirect": "https://www.example.com/",
            "_csrf": "x",
            "writeKey": "wk",
        }
    )
    assert answers.traits == {
        "email": "sarah@example.com",
        "first_name": "Sarah",
        "company": "Acme",
    }
    assert answers.properties == {"budget": "10-20k", "topics": ["tax", "funds"]}
    assert answers.named["email"] == "your-email"


def test_an_answer_too_long_for_a_trait_is_kept_as_a_property() -> None:
    """Nobody is refused for writing a novel into the field for the company."""
    answers = part_answers({"company": "x" * 600})
    assert answers.traits == {}
    assert answers.properties == {"company": "x" * 600}
