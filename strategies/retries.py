"""Plans of retries: how a client may send a request again, when, and over which connection."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from conformance.trace.fate import Fate

MOMENTS = ("at once", "when done", "after delete", "after reuse of the name")
"""What has become of the first request when an attempt is made."""

BODIES = ("same", "reordered", "other")
REQUEST_IDS = ("same", "other case", "fresh", "none")
METHODS = ("insert", "insert", "insert", "delete", "deprecate", "patch")
ATTEMPTS_MAXIMUM = 4


@dataclass(frozen=True, slots=True)
class Attempt:
    """One more try.

    Args:
        moment: what has become of the first insert by then.
        body: whether it is the first body, to the letter or in another order of keys, or another one.
        request_id: whether the requestId is the first one, as it was or in another case, a new one, or none.
        method: what is called; all but an insert bear a requestId of their own, which a second try of them repeats.
        connection: whether the connection is new.
        fate: when the connection is lost; None for an attempt that is answered.
    """

    moment: str = "at once"
    body: str = "same"
    request_id: str = "same"
    method: str = "insert"
    new_connection: bool = False
    fate: Fate | None = None


Plan = tuple[Attempt, ...]

plans: st.SearchStrategy[Plan] = st.lists(
    st.builds(
        Attempt,
        st.sampled_from(MOMENTS),
        st.sampled_from(BODIES),
        st.sampled_from(REQUEST_IDS),
        st.sampled_from(METHODS),
        st.booleans(),
        st.none() | st.sampled_from(Fate),
    ),
    min_size=1,
    max_size=ATTEMPTS_MAXIMUM,
).map(tuple)
"""Random plans; what follows the first insert in each."""


def plain_plans() -> list[Plan]:
    """One attempt at each moment, over a kept and a new connection, answered and with each way to lose the answer."""
    return [
        *((Attempt(moment, new_connection=new), Attempt(moment)) for moment in MOMENTS for new in (False, True)),
        *((Attempt(fate=fate), Attempt(), Attempt("when done")) for fate in Fate),
        *((Attempt(method=method), Attempt(method=method)) for method in ("delete", "deprecate", "patch")),
    ]
