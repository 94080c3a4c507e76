"""Which role may do what: one rule for each address. An address without a rule is refused.

Addresses of wires have keys of their own, see `entrances`; the operator's token opens them too.
"""

from __future__ import annotations

from typing import Final, Literal

from aiohttp import hdrs, web

Role = Literal["visitor", "staff", "operator", "metrics"]
Rule = frozenset[Role]

ANYBODY: Final[Rule] = frozenset()  # no token is asked for
STAFF: Final[Rule] = frozenset({"staff"})
OPERATOR: Final[Rule] = frozenset({"operator"})
VISITOR: Final[Rule] = frozenset({"visitor", "operator"})
METRICS: Final[Rule] = frozenset({"metrics", "operator"})

BEGIN: Final = "/v1/sessions"
ONE: Final = "/v1/sessions/{id}"  # below it a visitor finds their own session alone
DETECT: Final = "/v1/detect"
UPLOADS: Final = frozenset({DETECT})  # addresses to which a visitor sends files, so many an hour

# (method, address as it is in the router), or an address alone: whichever method.
RULES: Final[dict[tuple[str, str] | str, Rule]] = {
    ("POST", BEGIN): VISITOR,
    ("GET", ONE): VISITOR,
    ("PATCH", ONE): VISITOR,
    ("DELETE", ONE): VISITOR,
    ("POST", ONE + "/{command}"): VISITOR,
    ("POST", ONE + "/leave"): VISITOR,
    ("GET", ONE + "/voice"): VISITOR,
    ONE + "/recording": OPERATOR,  # a file on the server's disk
    ("GET", "/v1/avatars"): VISITOR,
    ("POST", "/v1/avatars"): OPERATOR,
    ("POST", "/v1/avatars/sentences"): OPERATOR,
    ("GET", "/v1/avatars/{name}/preview.webp"): VISITOR,
    ("DELETE", "/v1/avatars/{name}"): OPERATOR,
    "/v1/avatars/jobs/{id}": OPERATOR,
    ("POST", "/v1/voices"): OPERATOR,
    "/v1/voices/jobs/{id}": OPERATOR,
    ("DELETE", "/v1/voices/{name}"): OPERATOR,
    "/v1/projects": OPERATOR,
    ("POST", "/v1/projects/import"): OPERATOR,
    "/v1/projects/{name}": OPERATOR,
    "/v1/projects/{name}/files/{file}": OPERATOR,
    "/v1/projects/{name}/translations": OPERATOR,
    "/v1/projects/{name}/translations/{language}": OPERATOR,
    ("GET", "/v1/voices"): VISITOR,
    ("GET", "/v1/topics"): VISITOR,
    ("GET", "/v1/cards/{name}"): VISITOR,
    ("GET", "/v1/ice-servers"): VISITOR,
    ("GET", "/v1/openapi.json"): VISITOR,
    "/v1/batches": OPERATOR,
    "/v1/batches/{id}": OPERATOR,
    "/v1/batches/{id}/events": OPERATOR,
    "/v1/batches/{id}/rest": OPERATOR,
    "/v1/batches/{id}/retry": OPERATOR,
    "/v1/batches/{id}/files.zip": OPERATOR,
    "/v1/batches/{id}/manifest.csv": OPERATOR,
    "/v1/batches/{id}/rows/{row}/{file}": OPERATOR,
    "/v1/videos": OPERATOR,
    "/v1/videos/{id}": OPERATOR,
    "/v1/videos/{id}/events": OPERATOR,
    "/v1/videos/{id}/files/{file}": OPERATOR,
    ("GET", "/metrics"): METRICS,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/"): ANYBODY,
    ("GET", "/staff"): ANYBODY,  # the page; what it asks for wants the token
    ("GET", "/scene"): ANYBODY,
    ("GET", "/studio"): ANYBODY,
    ("GET", "/detect"): ANYBODY,
    ("POST", DETECT): VISITOR,
}
OF_STAFF: Final = "/v1/staff/"  # addresses that want the staff's token, and never another
_GUARDED: Final = ("/v1/", "/metrics")
_FILES: Final = (".html", ".js", ".css", ".svg", ".webp")


def address_of(request: web.Request) -> str:
    """As the router has it, "" where there is none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def rule_of(request: web.Request) -> Rule | None:
    """Who may ask this; None: nobody has said."""
    address = address_of(request)
    if not address:  # 404 or 405, for whoever may know what there is
        return unrouted(request.path)
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    return ruled(method, address)


def ruled(method: str, address: str) -> Rule | None:
    """The rule of an address as the router has it."""
    if address.startswith(OF_STAFF):
        return STAFF
    rule = RULES.get((method, address), RULES.get(address))
    if rule is None and not address.startswith(_GUARDED) and address.endswith(_FILES):
        return ANYBODY  # the page's own, each with a route of its own
    return rule


def unrouted(path: str) -> Rule:
    """Of what there is not."""
    if path.startswith(OF_STAFF):
        return STAFF
    return VISITOR if path.startswith(_GUARDED) else ANYBODY


def wanted(rule: Rule) -> str:
    """In words, for who has another role."""
    names = {"visitor": "a visitor's token", "staff": "the staff's token (staff_token)"}
    names |= {"operator": "the operator's token (token)"}
    names |= {"metrics": "the token of metrics (metrics_token)"}
    return " or ".join(names[role] for role in sorted(rule))
