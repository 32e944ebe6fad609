"""Why a profile is not among an order's deliveries, as far as its file says so."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from consumer.adapters.profiles import ProfileSet
from consumer.core.problem import Problem, did_you_mean
from consumer.core.profile import Profile
from consumer.service.profile_files import problems_by_profile

_NAMED_AT_MOST: Final = 12
_OFF: Final = "disabled"
_NOT_ROUTED: Final = "no routing row matches it; `postback preview NAME --event FILE` says why"


def unfit_text(profiles: ProfileSet, name: str) -> str | None:
    """Why nothing is exported for the profile of that name now, if its file says so."""
    loaded = {profile.name: profile for profile in profiles.profiles}
    why = _why(name, loaded, problems_by_profile(profiles))
    return None if why == _NOT_ROUTED else f"{name}: {why}"


def absent_lines(profiles: ProfileSet, told: Collection[str], *, only: str | None) -> Iterator[str]:
    """
    Why others get nothing of an order's event.

    Args:
        told: Profiles that do, or did.
        only: The one that was asked for, if one was.
    """
    loaded = {profile.name: profile for profile in profiles.profiles}
    problems = problems_by_profile(profiles)
    by_reason: dict[str, list[str]] = {}
    for name in [only] if only else sorted({*loaded, *problems}):
        if name not in told:
            by_reason.setdefault(_why(name, loaded, problems), []).append(name)
    for why, names in by_reason.items():
        yield f"not sent: {_listed(names)}: {why}"


def _why(name: str, loaded: Mapping[str, Profile], problems: Mapping[str, Sequence[Problem]]) -> str:
    if name in loaded:
        return _NOT_ROUTED if loaded[name].enabled else _OFF
    if name in problems:
        return f"does not load: {problems[name][0]}"
    return f"there is no such profile{did_you_mean(name, [*loaded, *problems], closeness=0.5)}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
