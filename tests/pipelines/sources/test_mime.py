"""Mails taken apart, whatever is wrong with them: headers, parts, transfer encodings, charsets, names of files."""

import base64
import random

import pytest

from pipelines.sources.charsets import decoded
from pipelines.sources.encoded_words import words
from pipelines.sources.mail_text import shown_text
from pipelines.sources.mime import Part, parse_mail


def mail(body: str, *headers: str) -> Part:
    return parse_mail("\n".join((*headers, "", body)).encode())


def mixed(*parts: str, kind: str = "mixed", end: str = "--b--\n") -> Part:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return mail(body + end, f'Content-Type: multipart/{kind}; boundary="b"')


PLAIN, PAGE = "Content-Type: text/plain\n\nPlain.", "Content-Type: text/html\n\n<p>Page.</p>"
PICTURE = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\naGk="


def test_a_header_goes_on_in_the_next_line_and_may_come_twice() -> None:
    part = mail("x", "Received: one;\n\tfolded", "RECEIVED: two", "Subject:none")
    assert part.headers == {"received": ["one;\tfolded", "two"], "subject": ["none"]}


@pytest.mark.parametrize("charset", ["utf-8", "cp1252"])
def test_headers_of_eight_bits_are_read_line_by_line(charset: str) -> None:
    raw = "Subject: Grüße\n".encode(charset) + "X-Note: größer\n\nx".encode()
    assert parse_mail(raw).headers == {"subject": ["Grüße"], "x-note": ["größer"]}


@pytest.mark.parametrize(
    ("raw", "subject", "body"),
    [
        (b"Subject: Hi\nno header\nTo: x\n\nbody", "Hi", b"no header\nTo: x\n\nbody"),
        (
            b"Subject: Hi\nHello there,\nthe empty line is missing.\n\nBye.",
            "Hi",
            b"Hello there,\nthe empty line is missing.\n\nBye.",
        ),
        (b"Subject: Hi", "Hi", b""),
        (b"\nno headers at all", "", b"no headers at all"),
        (b"Subject: H\x00i\n\nbody", "Hi", b"body"),
    ],
)
def test_headers_that_are_broken_cost_no_text(raw: bytes, subject: str, body: bytes) -> None:
    part = parse_mail(raw)
    assert (part.header("subject"), part.content) == (subject, body)


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        ("base64", "R3LDvMOfZQ==", "Grüße"),
        ("BASE64", "R3LDvM\nOfZQ", "Grüße"),
        ("base64", "R3LDvMOfZQ==\n-- \nadded by a list", "Grüße"),
        ("base64", "R3LDvMOfZ", "Grüß"),
        ("quoted-printable", "Gr=C3=BC=\n=C3=9Fe", "Grüße"),
        ("quoted-printable", "100 =%", "100 =%"),
        ("x-uuencode", "begin 644 a\n%:&5L;&\\*\n`\nend\n", "hello"),
        ("7bit", "plain", "plain"),
        ("martian", "plain", "plain"),
    ],
)
def test_transfer_encodings_are_undone_also_where_they_are_broken(
    encoding: str, content: str, expected: str
) -> None:
    found = mail(content, f"Content-Transfer-Encoding: {encoding}").text
    assert found.startswith(expected[:4])
    assert expected in found or encoding == "base64"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("ISO-8859-1", "cp1252"), ("us-ascii", "utf-8"), ("gb2312", "gb18030"), ("ks_c_5601-1987", "cp949"),
        ("Shift_JIS", "cp932"), ("x-mac-roman", "mac_roman"), ("unicode-1-1-utf-7", "utf-7"), ("koi8-r", "koi8-r"),
        ("windows-1250", "cp1250"), ("utf-16", "utf-16"), ("nobody-knows", "utf-8"), ("", "utf-8"),
    ],
)  # fmt: skip
def test_charsets_are_read_as_programs_mean_them(charset: str, codec: str) -> None:
    text = {
        "gb18030": "你好",
        "cp949": "안녕",
        "cp932": "こんにちは",
        "koi8-r": "Привет",
        "cp1250": "Łódź",
    }.get(codec, "Grüße")
    assert decoded(text.encode(codec), charset) == text


@pytest.mark.parametrize(
    "charset", ["idna", "unicode_escape", "undefined", "rot13", "base64", "utf-8\x00", "zip"]
)
def test_what_is_no_charset_of_texts_is_read_as_utf_8(charset: str) -> None:
    assert decoded(b"a\\u0041 \xc3\xbc", charset) == "a\\u0041 ü"


def test_no_text_holds_what_a_table_cannot_store() -> None:
    assert decoded(b"a\x00b", "utf-8") == "ab"
    decoded(b"+2AA-", "utf-7").encode()  # half of a UTF-16 pair
    assert decoded(b"\x81\x8d caf\xe9", "utf-8").endswith("café")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("=?utf-8?q?J=C3=B6rg?= Lee", "Jörg Lee"),
        ("=?utf-8?B?SsO2cmc=?=", "Jörg"),
        ("=?utf-8?q?Hello?= =?utf-8?q?_you?=", "Hello you"),
        ("=?utf-8?q?Gr=C3?=\t=?utf-8?q?=BC=C3=9Fe?=", "Grüße"),
        ("=?iso-8859-1?q?Gr=FC?= =?utf-8?q?=C3=9Fe?=", "Grüße"),
        ("Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= (2)", "Re: Grüße (2)"),
        ("=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?b?SsO2cm?=", "Jör"),
        ("=?utf-8?q?broken", "=?utf-8?q?broken"),
        ("=?nobody?q?ok?=", "ok"),
        ("no words", "no words"),
    ],
)
def test_encoded_words(header: str, expected: str) -> None:
    assert words(header) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ('Content-Disposition: attachment; filename="a b.pdf"', "a b.pdf"),
        ("Content-Type: application/pdf; name=a.pdf", "a.pdf"),
        ("Content-Disposition: attachment; filename*=utf-8''Rechnung%20f%C3%BCr.pdf", "Rechnung für.pdf"),
        ("Content-Disposition: attachment; filename*0*=utf-8''Rech%C3%; filename*1*=BCnung; filename*2=.pdf", "Rech"),
        ('Content-Disposition: attachment;\n filename*0="very-long-";\n filename*1="name.pdf"', "very-long-name.pdf"),
        ('Content-Disposition: attachment; filename="=?utf-8?b?w7wucGRm?="', "ü.pdf"),
        ('Content-Disposition: attachment; filename="ü.pdf"', "ü.pdf"),
        ("Content-Disposition: attachment; filename*=x; filename*0=y", ""),
        ("Content-Disposition: attachment; filename*=martian''%FC.pdf", "ü.pdf"),
    ],
)  # fmt: skip
def test_names_of_files_in_every_way_that_programs_write_them(headers: str, expected: str) -> None:
    assert mail("x", headers).file_name.startswith(expected)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (mixed(PLAIN, PAGE, kind="alternative"), "Plain."),
        (mixed(PAGE, PLAIN, kind="alternative"), "Plain."),
        (mixed("Content-Type: text/plain\n\n  ", PAGE, kind="alternative"), "Page."),
        (mixed(PAGE, PICTURE, kind="related"), "Page."),
        (mixed(PLAIN, PICTURE, "Content-Type: text/plain\n\nAnd on."), "Plain.\nAnd on."),
        (mixed(PAGE, PICTURE), "Page."),
        (mixed(PLAIN, "Content-Type: message/rfc822\n\nSubject: x\n\nInner."), "Plain."),
        (mixed("Content-Type: message/rfc822\n\nSubject: x\n\nInner."), ""),
        (mixed('Content-Type: text/plain; name="a.txt"\n\nA file.', PLAIN), "Plain."),
        (mixed(PICTURE), ""),
        (mixed("\nNo header, so plain."), "No header, so plain."),
    ],
)  # fmt: skip
def test_the_text_that_a_reader_sees(part: Part, text: str) -> None:
    assert shown_text(part).text.strip() == text


def test_parts_within_parts_are_found_in_their_order() -> None:
    inner = (
        'Content-Type: multipart/alternative; boundary="bb"\n\n--bb\n'
        + PLAIN
        + "\n--bb\n"
        + PAGE
        + "\n--bb--"
    )
    part = mixed(inner, PICTURE)
    assert [leaf.kind for leaf in part.leaves()] == ["text/plain", "text/html", "image/png"]
    assert part.closed


def test_a_preamble_and_what_comes_behind_the_last_boundary_are_no_parts() -> None:
    part = mail("To old programs.\n--b\n\nText.\n--b--\nnoise", "Content-Type: multipart/mixed; boundary=b")
    assert [leaf.text for leaf in part.leaves()] == ["Text."]


def test_a_boundary_is_a_whole_line_and_not_the_beginning_of_one() -> None:
    part = mail("--b\n\n--bb\nText --b\n--b  \n\nMore.\n--b--", "Content-Type: multipart/mixed; boundary=b")
    assert [leaf.text for leaf in part.leaves()] == ["--bb\nText --b", "More."]


def test_a_wrong_boundary_in_the_header_is_mended_by_the_one_that_stands_in_the_body() -> None:
    part = mail(f"--real\n{PLAIN}\n--real--\n", 'Content-Type: multipart/mixed; boundary="other"')
    assert (shown_text(part).text, part.closed) == ("Plain.", True)
    part = mail(f"--real\n{PLAIN}\n--real--\n", "Content-Type: multipart/mixed")
    assert shown_text(part).text == "Plain."


def test_a_mail_that_says_it_has_parts_and_has_none_is_read_as_it_is() -> None:
    part = mail("Just text.", 'Content-Type: multipart/mixed; boundary="b"')
    assert (shown_text(part).text, part.children) == ("Just text.", ())


def test_a_missing_end_is_noticed() -> None:
    assert not mixed(PLAIN, PICTURE, end="").closed


def test_parts_nested_without_end_and_parts_without_number_take_no_long_time() -> None:
    import time

    started = time.process_time()
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(5_000)
    )
    list(parse_mail(deep).leaves())
    list(mixed(*["\nx"] * 100_000).leaves())
    list(parse_mail(b"Content-Type: text/plain" + b"; a=b" * 500_000 + b"\n\nx").leaves())
    assert time.process_time() - started < 5


def test_nothing_that_is_mangled_makes_it_fail() -> None:
    seeded = random.Random(7)
    whole = mixed(
        PLAIN,
        PAGE,
        PICTURE,
        "Content-Disposition: attachment; filename*0*=utf-8''a; name=\"=?utf-8?q?a?=\"\n\nx",
    )
    raw = b'Content-Type: multipart/mixed; boundary="b"\nSubject: =?utf-8?b?SsO2cmc=?=\n\n' + whole.content
    for _ in range(2_000):
        mangled = bytearray(raw)
        for _ in range(seeded.randint(1, 6)):
            place = seeded.randrange(len(mangled))
            mangled[place : place + seeded.randint(0, 9)] = seeded.choice(
                [
                    b"\n\n",
                    b"--b",
                    b"=?",
                    b"\x00",
                    b"\xff",
                    b"<![x ",
                    b"*0*=",
                    b";",
                    b'"',
                    base64.b64encode(b"x"),
                ]
            )
        part = parse_mail(bytes(mangled))
        shown_text(part).text.encode()
        for leaf in part.leaves():
            assert isinstance(leaf.content, bytes)
            leaf.file_name.encode()
