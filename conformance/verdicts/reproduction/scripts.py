"""A plan as a shell script and as a pytest file: the same calls, written in two languages."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from jinja2 import Template as Page

from conformance.contract import Breach, Rule
from conformance.verdicts.reproduction.fact import Fact
from conformance.verdicts.reproduction.plan import Plan, Step, Symbol, Template

TRYING_SECONDS = 120
"""After so long a breach is tried for no more."""

TEXT_MAXIMUM = 500
"""Characters of what was expected and observed that are quoted."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNFIT_FOR_SHELL = re.compile(rf"(?![\n\t]){_CONTROL.pattern}|\n$")
"""What a reader of a script would not see, or see in another order, and what the shell would take away."""


def shell_script(rule: Rule, breach: Breach, plan: Plan) -> str:
    """A script for a POSIX shell with curl.

    Args:
        rule: the rule that was broken.
        breach: the breach.
        plan: how to provoke it again.
    """
    return _page("reproduce.sh.j2").render(
        rule=rule,
        statement=_plain(rule.statement),
        message=_plain(breach.message),
        expected=f"expected: {_plain(breach.expected)}",
        observed=f"observed: {_plain(breach.observed)}",
        plan=plan,
        seconds=TRYING_SECONDS,
        steps=list(_shell_steps(plan)),
        facts=[_shell_fact(fact, token) for fact, token in plan.facts],
        cleaning=[f"forget {step.number} {_shell(step.makes)}" for step in reversed(plan.steps) if step.makes],
    )


def pytest_file(rule: Rule, breach: Breach, plan: Plan) -> str:
    """A test for pytest that needs only requests; the arguments are those of shell_script."""
    return _page("test_reproduce.py.j2").render(
        rule=rule,
        statement=_plain(rule.statement).replace("\\", "\\\\").replace('"""', "'''"),
        expected=_plain(breach.expected),
        observed=_plain(breach.observed),
        plan=plan,
        seconds=TRYING_SECONDS,
        steps=list(_python_steps(plan)),
        facts=[_python_fact(fact, token) for fact, token in plan.facts],
        cleaning=[f"self.forget({step.number}, {_python(step.makes)})" for step in reversed(plan.steps) if step.makes],
    )


@cache
def _page(name: str) -> Page:
    environment = Environment(  # noqa: S701 - no HTML
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    environment.filters.update(quoted=shlex.quote, literal=_literal, identifier=lambda text: re.sub(r"\W", "_", text))
    return environment.from_string(
        files("conformance.verdicts.reproduction").joinpath("templates", name).read_text(encoding="utf-8")
    )


def _plain(text: str) -> str:
    """A text on one line that cannot leave the comment or string it stands in."""
    text = text if len(text) <= TEXT_MAXIMUM else f"{text[:TEXT_MAXIMUM]}…"
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _literal(text: str) -> str:
    """A Python literal; JSON's escapes are Python's, but for surrogates, which ascii() writes as Python does."""
    return ascii(text) if _CONTROL.search(text) else json.dumps(text, ensure_ascii=False)


def _joined(template: Template, text: Callable[[str], str], symbol: Callable[[Symbol], str], glue: str) -> str:
    return glue.join(symbol(part) if isinstance(part, Symbol) else text(part) for part in template) or text("")


def _shell(template: Template) -> str:
    def symbol(part: Symbol) -> str:
        match part.kind:
            case "run":
                return '"$RUN"'
            case "id":
                return f'"$(upper "$ID{part.index}")"' if part.upper else f'"$ID{part.index}"'
            case "key":
                return f'"$KEY{part.index}"'
            case _:
                return f'"$(value {part.index} {shlex.quote(part.detail)})"'

    return _joined(template, _shell_text, symbol, "")


def _shell_text(text: str) -> str:
    """A text quoted for the shell; one that a reader would not see as it is goes through printf."""
    if not _UNFIT_FOR_SHELL.search(text):
        return shlex.quote(text)
    octal = "".join(f"\\{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))
    return f"\"$(printf '{octal}')\""


def _python(template: Template) -> str:
    def symbol(part: Symbol) -> str:
        match part.kind:
            case "run":
                return "self.run"
            case "id":
                return f"self.id{part.index}" + (".upper()" if part.upper else "")
            case "key":
                return f"self.key{part.index}"
            case _:
                return f"self.value({part.index}, {_literal(part.detail)})"

    return _joined(template, _literal, symbol, " + ")


def _shell_steps(plan: Plan) -> Iterator[str]:
    for race, steps in _races(plan):
        for step in steps:
            headers = "".join(f" -H {_shell_text(f'{name}: {value}')}" for name, value in step.headers)
            limit = f" -m {step.hang_up}" if step.hang_up else ""
            request = f"{step.number} {step.verb} {_shell(step.path)} {_shell(step.body)}{headers}{limit}"
            if step.pause and not race:
                yield f"sleep {step.pause}"
            act = f"until_done {step.wait}" if step.wait else f"look {step.looks}" if step.looks > 1 else "send"
            yield f"{act} {request}{' &' if race else ''}"
            if step.follow and not race:
                yield f"follow {step.number} {_shell(step.follow)}"
        if race:
            numbers = " ".join(f'"$work/{step.number}"' for step in steps)
            yield "wait"
            yield f'cat {numbers} > "$work/race {race}"'


def _python_steps(plan: Plan) -> Iterator[str]:
    for race, steps in _races(plan):
        calls = []
        for step in steps:
            headers = f", headers={dict(step.headers)!r}" if step.headers else ""
            request = f"{step.number}, {step.verb!r}, {_python(step.path)}, {_python(step.body)}{headers}"
            if step.pause and not race:
                yield f"time.sleep({step.pause})"
            act = f"until_done({step.wait}, " if step.wait else f"look({step.looks}, " if step.looks > 1 else "send("
            calls.append(f"self.{'abandon(' if step.hang_up else act}{request})")
            if step.follow and not race:
                calls.append(f"self.follow({step.number}, {_python(step.follow)})")
        if race:
            yield f"self.at_once({race}, {', '.join(f'lambda: {call}' for call in calls)})"
        else:
            yield from calls


def _races(plan: Plan) -> Iterator[tuple[int, list[Step]]]:
    """The steps in order, those of one race together."""
    race: list[Step] = []
    for step in plan.steps:
        if race and step.race != race[0].race:
            yield race[0].race, race
            race = []
        if step.race:
            race.append(step)
        else:
            yield 0, [step]
    if race:
        yield race[0].race, race


def _shell_fact(fact: Fact, token: Template) -> str:
    words = [fact.relation, _shell_number(fact), _shell_text(fact.path)]
    words += [str(fact.other[0]), _shell_text(fact.other[1])] if fact.other else []
    words += [_shell(token)] if token else []
    words += [str(fact.times)] if fact.times > 1 else []
    return ("" if fact.holds else "! ") + " ".join(words)


def _shell_number(fact: Fact) -> str:
    return shlex.quote(f"race {fact.number}") if fact.race else str(fact.number)


def _python_fact(fact: Fact, token: Template) -> str:
    words = [_literal(f"race {fact.number}") if fact.race else str(fact.number), _literal(fact.path)]
    words += [str(fact.other[0]), _literal(fact.other[1])] if fact.other else []
    if token:
        words.append(_python_token(fact, token))
    words += [str(fact.times)] if fact.times > 1 else []
    name = "is_" if fact.relation == "is" else fact.relation
    return ("" if fact.holds else "not ") + f"self.{name}({', '.join(words)})"


def _python_token(fact: Fact, token: Template) -> str:
    """The value to compare with: JSON decoded beforehand where nothing in it is new in every replay."""
    if any(isinstance(part, Symbol) for part in token):
        return f"json.loads({_python(token)})"
    text = "".join(str(part) for part in token)
    if fact.relation != "is" or fact.path in (":type", ":json"):
        return _literal(text)
    value = json.loads(text)
    return _literal(value) if isinstance(value, str) else repr(value)
