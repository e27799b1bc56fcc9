"""A published version for a what-if: read out of the database, which is left as it is; a server may be using it."""

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from kak_server.app.configuration.start import catalogue_of
from kak_server.config.loader import parse_settings
from kak_server.config.settings import Settings
from kak_server.config.versions.compose import Composer
from kak_server.model.errors import StartupError
from kak_server.records.config_store import ConfigStore

NOWHERE = "rooms: [{id: none, name: none, positions: 1}]\nqueues: [{id: none, name: none, rooms: [none]}]\n"


def machine_of(data_dir: Path) -> Settings:
    """A machine of which only the data folder is known: its database is there, everything else at its default."""
    settings = parse_settings(NOWHERE)
    return settings.model_copy(update={"server": settings.server.model_copy(update={"data_dir": data_dir})})


def version_settings(machine: Settings, number: int) -> Settings:
    """The configuration of `machine` with a version in it. That the version fits the machine (its trunks, say) is not
    asked: rules are played, no call is taken. Raises StartupError where it cannot be read."""
    url = make_url(machine.storage_url)
    what = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise StartupError(f"no database at {url.database}: --config FILE says where the server's is")
    store = ConfigStore(machine.storage_url)
    try:
        if store.version(number) is None:
            newest = store.newest()
            there = "none was published" if newest is None else f"the newest is {newest.number}"
            raise StartupError(f"no version {number} of the configuration in {what}: {there}")
        catalogue = catalogue_of(store.objects(number))
    except SQLAlchemyError as problem:
        raise StartupError(f"{what} cannot be read: {str(problem).splitlines()[0]}") from problem
    finally:
        store.close()
    settings, problems = Composer().whole(machine, catalogue, {})
    if settings is None:
        raise StartupError("\n  ".join([f"version {number} is not read by this release:", *map(str, problems)]))
    return settings
