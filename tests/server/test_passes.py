"""Visitors' signed tokens: what is one, what is none, and what is said of it."""

import json
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from visavis.server.http import passes
from visavis.server.http.passes import Early
from visavis.server.system import jws
from visavis.server.system.errors import Unauthorized

NOW = 1_800_000_000.0
SECRET, OTHER = "s" * 32, "o" * 40
CLAIMS = {"sub": "anna", "iat": int(NOW), "exp": int(NOW) + 600}


def token(ours=(), secret=SECRET, headers=None, **claims):
    """As another library makes one. None leaves a claim out."""
    made = {**CLAIMS, "visavis": dict(ours), **claims}
    made = {name: value for name, value in made.items() if value is not None}
    return jwt.encode(made, secret, "HS256", headers=headers)


def code(text, now=NOW, held=(SECRET,)):
    with pytest.raises(Unauthorized) as raised:
        passes.read(text, held, now)
    assert text[-20:] not in raised.value.detail
    return raised.value.code


def test_what_another_library_signed_is_read():
    bounds = {
        "role": "visitor", "avatars": ["mira", "tomas"], "source": "dialogue", "language": "de",
        "length": 300, "sessions": 1, "origins": ["https://shop.example"], "once": True,
    }  # fmt: skip
    read = passes.read(token(bounds, jti="7", aud="visavis", iss="shop", nbf=NOW), [SECRET], NOW)
    assert read == passes.Pass(
        "anna", NOW + 600, ("mira", "tomas"), "dialogue", "de", 300, 1,
        ("https://shop.example",), "7",
    )  # fmt: skip


def test_what_we_sign_another_library_reads():
    made = passes.sign(SECRET, NOW, 600, {"length": 60}, "anna", "7")
    read = jwt.decode(made, SECRET, ["HS256"], options={"verify_exp": False, "verify_iat": False})
    assert read == {**CLAIMS, "jti": "7", "visavis": {"length": 60}}
    assert jwt.get_unverified_header(made)["kid"] == jws.kid(SECRET)
    assert SECRET not in made


@pytest.mark.parametrize(
    ("language", "command"),
    [
        ("python", [sys.executable, "-"]),
        ("js", ["node", "--input-type=module", "-"]),
        ("php", ["php"]),
    ],
)
def test_the_examples_of_the_docs_sign_tokens(tmp_path, language, command):
    """Word for word, where there is the language."""
    if shutil.which(command[0]) is None:
        pytest.skip("it is not installed here")
    (tmp_path / "token-secret").write_text(SECRET)
    page = Path("docs/trust.md").read_text(encoding="utf-8")
    example = page.split(f"```{language}\n")[1].split("```")[0]
    made = subprocess.run(
        [shutil.which(command[0]), *command[1:]], input=example, cwd=tmp_path,
        env={"TOKEN_SECRET": SECRET}, capture_output=True, text=True, check=True, timeout=30,
    ).stdout.strip()  # fmt: skip
    now = jws.read(made.split(".")[1])["iat"]
    it = passes.read(made, [SECRET], now)
    assert (it.subject, it.avatars, it.length) == ("user-17", ("mira",), 300)


def test_a_secret_can_be_changed_for_another_one_without_anybody_being_sent_away():
    assert passes.read(token(secret=OTHER), [SECRET, OTHER], NOW).subject == "anna"
    assert passes.read(token(), [SECRET, OTHER], NOW).subject == "anna"
    assert passes.read(token(headers={"kid": "main"}), [SECRET, OTHER], NOW).subject == "anna"
    assert code(token(secret=OTHER)) == "token-forged"


def changed(text, part):
    parts = text.split(".")
    parts[part] = parts[part][:-2] + ("AA" if parts[part][-2:] != "AA" else "BB")
    return ".".join(parts)


def unsigned(algorithm):
    head = jws.written({"alg": algorithm, "typ": "JWT"})
    return f"{head}.{token().split('.')[1]}."


@pytest.mark.parametrize(
    "forged",
    [
        *(changed(token(), part) for part in range(3)),
        unsigned("none"), unsigned("None"), unsigned("HS256"),
        jwt.encode({**CLAIMS, "visavis": {}}, SECRET * 2, "HS512"),
        jwt.encode({**CLAIMS, "visavis": {}}, SECRET * 2, "HS384"),
        token(headers={"crit": ["b64"], "b64": True}),
        token(headers={"jku": "https://evil.example/keys"}), token(headers={"typ": "dpop+jwt"}),
        token() + "x", token() + " ", token()[:-1], "eyJ.e30.", "ey..", "é" * 30,
        "ey" * 3000 + "..", token(sub="x" * 5000),
    ],
)  # fmt: skip
def test_what_was_changed_or_signed_otherwise_is_forged(forged):
    assert code(forged) == "token-forged"


def by_hand(content, secret=SECRET):
    """Signed whatever it is."""
    text = jws.written({"alg": "HS256"}) + "." + jws.encoded(content.encode())
    return f"{text}.{jws._signature(text, secret)}"


@pytest.mark.parametrize(
    "content",
    [
        "[]", "7", "null", "{", '{"exp": NaN}', '{"exp": 1800000600, "exp": 1900000000}',
        '{"exp": 1e999}', "\ud7ff", "[" * 1000,
    ],
)  # fmt: skip
def test_what_is_signed_and_no_object_is_none_of_ours(content):
    assert code(by_hand(content)) == "token-forged"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": None}, "token-invalid"),
        ({"exp": "soon"}, "token-invalid"),
        ({"exp": True}, "token-invalid"),
        ({"exp": -1}, "token-invalid"),
        ({"exp": NOW + 86_400 + 31}, "token-invalid"),
        ({"iat": NOW - 100, "exp": NOW + 86_400}, "token-invalid"),
        ({"iat": None, "exp": 4e9}, "token-invalid"),
        ({"exp": NOW - 31}, "token-expired"),
        ({"exp": 0}, "token-expired"),
        ({"iat": NOW + 31}, "token-early"),
        ({"nbf": NOW + 31}, "token-early"),
        ({"aud": "another"}, "token-invalid"),
        ({"aud": ["another"]}, "token-invalid"),
        ({"sub": "a\nb"}, "token-invalid"),
        ({"sub": "x" * 129}, "token-invalid"),
        ({"visavis": None}, "token-invalid"),
        ({"visavis": []}, "token-invalid"),
    ],
)
def test_claims_that_are_not_as_they_must_be(claims, said):
    # PyJWT refuses to sign some of them: signed by hand
    made = {**CLAIMS, "visavis": {}, **claims}
    made = {name: value for name, value in made.items() if value is not None}
    assert code(by_hand(json.dumps(made))) == said


@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 29}, {"iat": NOW + 29}, {"nbf": NOW + 29}, {"iat": None}]
)
def test_two_clocks_may_differ_a_little(claims):
    made = {**CLAIMS, "visavis": {}, **claims}
    made = {name: value for name, value in made.items() if value is not None}
    assert passes.read(by_hand(json.dumps(made)), [SECRET], NOW).subject == "anna"


def test_how_far_two_clocks_differ_is_told():
    with pytest.raises(Early) as raised:
        passes.read(token(iat=int(NOW) + 3600, exp=int(NOW) + 4000), [SECRET], NOW)
    assert raised.value.ahead == 3600


@pytest.mark.parametrize(
    "ours",
    [
        {"avatar": "mira"}, {"avatars": "mira"}, {"avatars": []}, {"avatars": [""]},
        {"avatars": ["x"] * 33}, {"avatars": [7]}, {"source": "telepathy"}, {"source": ""},
        {"language": ""}, {"language": 7}, {"length": 0}, {"length": -5}, {"length": 86_401},
        {"length": 1.5}, {"length": "300"}, {"length": True}, {"sessions": 0}, {"sessions": 65},
        {"origins": "https://a.example"}, {"once": "yes"}, {"once": True}, {"role": "operator"},
        {"role": "staff"}, {"role": ["visitor"]},
    ],
)  # fmt: skip
def test_a_bound_that_was_not_understood_is_no_token(ours):
    assert code(token(ours)) == "token-invalid"


def test_a_token_that_names_nobody_is_a_visitor_of_its_own():
    one, two = (passes.read(token(sub=None, jti=n), [SECRET], NOW).subject for n in "12")
    assert one != two
    assert "token" in one


def test_no_bytes_are_read_as_a_token():
    for size in range(21, 300, 7):
        made = secrets.token_urlsafe(size)
        for text in (made, f"ey{made}.{made}.{made}"):
            assert code(text) == "token-forged"
