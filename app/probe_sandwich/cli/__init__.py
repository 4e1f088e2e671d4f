"""The command line, `probe-sandwich`: one function a command, each a thin call into the layers below.

What a command needs it imports itself: PyTorch alone takes seconds, which `--help` and `serve` need not wait for.
"""

from importlib.metadata import version
from typing import Annotated

import typer

from probe_sandwich.cli import classify, formulas, model, rank, service, zoo
from probe_sandwich.cli.options import command_line_option
from probe_sandwich.options import with_option_parameters

app = typer.Typer(
    help="Does a Transformer trained on short formulas still classify long ones?",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"probe-sandwich {version('probe-sandwich')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of the command line as a whole."""


app.command("demo")(service.demo)
app.command("serve")(service.serve)
app.command("classify")(with_option_parameters(classify.classify, command_line_option))
app.command("rank")(with_option_parameters(rank.rank, command_line_option))
app.command("convert")(model.convert)
app.command("train")(model.train)
app.command("evaluate")(model.evaluate)
app.add_typer(zoo.app, name="zoo")
app.add_typer(formulas.app, name="formulas")
