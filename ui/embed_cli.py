"""`tanya embed`: the line to paste for each site, and why a site does not show the widget."""

import json

import click

from ui.options import as_json, report

SAMPLE = '[[embeds]]\nid = "site"\norigins = ["https://example.org"]'


@click.group()
def embed() -> None:
    """Show the widget on other sites."""


@embed.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Print the line to paste for each embed, and what a strict site has to allow."""
    from bot.config import read_config
    from ui.embed import integrity, paste_line, server_address
    from ui.embed_doctor import policy_lines

    config = read_config()
    server = server_address(config)
    if as_json:
        rows = [
            one.model_dump() | {"line": paste_line(server, one), "integrity": integrity(), "policy": policy_lines(server)}
            for one in config.embeds
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not config.embeds:
        click.echo(f"No embed is listed, so no site may show the widget. In tanya.toml:\n\n{SAMPLE}", err=True)
    for one in config.embeds:
        click.echo(f"{one.id}  {' '.join(one.origins) or 'no origin'}  {one.limit} a minute, {one.limit_address} an address")
        click.echo(f"    {paste_line(server, one)}")
    if config.embeds and not config.public_url:
        click.echo(f"TANYA_PUBLIC_URL is not set: {server} is where this server listens, and maybe not where visitors reach it.", err=True)
    if config.embeds:
        click.echo("A site with a Content-Security-Policy has to allow:")
        for directive, host in policy_lines(server).items():
            click.echo(f"    {directive} {host}")
        click.echo("With another version of Tanya the hash is another one: paste the line anew, or leave integrity out.")


@embed.command()
@as_json
@click.option("--server", help="Address of the running server; by default TANYA_PUBLIC_URL, else host and port.")
@click.argument("origin")
def doctor(as_json: bool, server: str | None, origin: str) -> None:
    """Say whether the site ORIGIN can show the widget, and if not, what to change; exit code 1 where something is to be mended."""
    from bot.config import read_config
    from bot.embeds import read_origin
    from ui.embed import server_address
    from ui.embed_doctor import examine

    config = read_config()
    try:
        origin = read_origin(origin)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ORIGIN") from None
    findings = list(examine(origin, config.embeds, (server or server_address(config)).rstrip("/")))
    report(findings, as_json)
