"""Settings that name what is there: rules, fields, waivers, credentials."""

from __future__ import annotations

from conformance.client.credentials import NoToken, credentials_for
from conformance.commands.selecting import resolved
from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue, client_catalogue
from conformance.verdicts.waivers import read_waivers


def checked(settings: Settings, *, clients: bool = False) -> Settings:
    """The same settings, once the rules that they name are known, and what else they name is known to be there.

    Args:
        settings: as they were given.
        clients: whether the rules are those for clients.

    Raises:
        UsageError: something is not there.
    """
    settings = resolved(settings, client_catalogue() if clients else None)
    fields = sorted(filter(None, {rule.accepts for rule in catalogue().values()}))
    for field in settings.require:
        if field not in fields:
            raise UsageError(
                f"require is '{field}' (set by --require, its environment variable or the configuration file); "
                f"allowed are {', '.join(fields)}."
            )
    if settings.restart_between and settings.start is None:
        raise UsageError("restart-between needs --start, which says how the target is started again.")
    read_waivers(settings)
    return authorised(settings)


def authorised(settings: Settings) -> Settings:
    """The same settings, once the credentials that they ask for are known to be there.

    Raises:
        UsageError: they are not.
    """
    try:
        credentials_for(settings.auth, settings.credentials, settings.token)
    except NoToken as error:
        raise UsageError(f"auth is '{settings.auth}', but {error}.") from None
    return settings
