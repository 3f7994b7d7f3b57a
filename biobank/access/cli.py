"""`flask --app app user … | token … | site …`: who may come in, at a terminal."""

import sys

import click
from flask import current_app

from biobank.access import passwords, service
from biobank.access.models import Site
from biobank.access.permissions import ROLES
from biobank.core.actor import job
from biobank.core.db import unit_of_work

CONSOLE = job("console")


@click.group()
def user() -> None:
    """People who sign in."""


@user.command("create")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(list(ROLES)), help="May be repeated."
)
@click.option(
    "--site", "site_code", help="Code of their site; it is set up if there is none. None: sees every site."
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of making one."
)
@click.option("--no-password", is_flag=True, help="Only for tokens: cannot sign in to pages.")
@click.option("--language", type=click.Choice(["en", "fr"]))
def create_user(
    name: str,
    roles: tuple[str, ...],
    site_code: str | None,
    password_stdin: bool,
    no_password: bool,
    language: str | None,
) -> None:
    """Let somebody in. A made password is printed on the last line, once."""
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    made = None if password_stdin or no_password else passwords.make()

    def work() -> None:
        site = _site(site_code) if site_code else None
        service.make_user(
            name=name, roles=roles, site=site, password=given or made, language=language, by=CONSOLE
        )

    unit_of_work(work)
    click.echo(f"user {name}: {', '.join(roles)}" + (f", site {site_code}" if site_code else ", every site"))
    if made:
        click.echo(made)


def _site(code: str) -> Site:
    found = next((site for site in service.list_sites(CONSOLE) if site.code == code), None)
    if found is None:
        click.echo(f"site {code} set up: there was none of that code", err=True)
        found = service.make_site(code=code, name=code, by=CONSOLE)
    return found


@user.command("list")
def list_users() -> None:
    """Everybody: name, roles, site, and whether they are shut out."""
    for one in service.list_users(CONSOLE):
        roles = ",".join(sorted(role.name for role in one.roles))
        click.echo(
            "\t".join((one.name, roles, one.site.code if one.site else "*", "" if one.active else "shut out"))
        )


@user.command("password")
@click.argument("name")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of making one."
)
def new_password(name: str, password_stdin: bool) -> None:
    """Give a new password; it is printed, once. Sessions of the old one end."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else passwords.make()
    unit_of_work(
        lambda: service.set_password(user=service.find_user(name, CONSOLE), password=password, by=CONSOLE)
    )
    if not password_stdin:
        click.echo(password)


@user.command("shut-out")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let them in again.")
def shut_out(name: str, undo: bool) -> None:
    """End somebody's sessions and tokens at once."""
    unit_of_work(lambda: service.set_active(user=service.find_user(name, CONSOLE), active=undo, by=CONSOLE))


@click.group()
def token() -> None:
    """Keys for programs."""


@token.command("create")
@click.argument("name")
@click.option("--label", default="", help="What it is for.")
@click.option("--days", type=int, help="How long it lives; the setting token_days unless given.")
def create_token(name: str, label: str, days: int | None) -> None:
    """Make a key that acts as the user NAME, and print it alone, once."""
    lives = days if days is not None else current_app.config["BIOBANK"]["token_days"]
    made = unit_of_work(
        lambda: service.make_token(user=service.find_user(name, CONSOLE), name=label, days=lives, by=CONSOLE)
    )
    click.echo(made)


@token.command("list")
@click.argument("name", required=False)
def list_tokens(name: str | None) -> None:
    """Number, owner, what it is for, when it ends."""
    owner = service.find_user(name, CONSOLE) if name else None
    for one in service.list_tokens(CONSOLE, owner):
        ends = "revoked" if one.revoked_at else one.expires_at.date().isoformat()
        click.echo(f"{one.id}\t{one.user.name}\t{one.name}\t{ends}")


@token.command("revoke")
@click.argument("number", type=int)
def revoke_token(number: int) -> None:
    """End a key at once; NUMBER is the first column of `token list`."""
    unit_of_work(lambda: service.revoke_token(token=service.find_token(number, CONSOLE), by=CONSOLE))


@click.group()
def site() -> None:
    """Establishments."""


@site.command("create")
@click.argument("code")
@click.argument("name")
def create_site(code: str, name: str) -> None:
    """Set up a site."""
    unit_of_work(lambda: service.make_site(code=code, name=name, by=CONSOLE))
    click.echo(f"site {code}: {name}")


@site.command("list")
def list_sites() -> None:
    """Code and name."""
    for one in service.list_sites(CONSOLE):
        click.echo(f"{one.code}\t{one.name}")


commands = [user, token, site]
