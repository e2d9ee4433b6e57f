"""`gateway completion`: a script that completes commands and options in a shell.

It is made from the tree of commands and holds all of it, so that no process starts when somebody presses the key.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli.noun import Noun

if TYPE_CHECKING:
    from typer import _click

app = Noun()

_BASH = """\
# Completion of `gateway`; made by `gateway completion`. Nouns, verbs and options; files where nothing else fits.
_gateway() {
    local word noun verb words
    word="${COMP_WORDS[COMP_CWORD]}" noun="" verb=""
    for one in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$one" in
            -*) ;;
            *) if [ -z "$noun" ]; then noun="$one"; elif [ -z "$verb" ]; then verb="$one"; fi ;;
        esac
    done
    case "$noun $verb" in
%s
        *) words="" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _gateway gateway
"""
_ZSH = "#compdef gateway\nautoload -U +X bashcompinit && bashcompinit\n"


@app.verb("completion", "gateway completion bash > /etc/bash_completion.d/gateway")
def completion(
    ctx: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="For which shell.")],
) -> None:
    """Print a script that completes commands and options with the Tab key."""
    if shell not in ("bash", "zsh", "fish"):
        raise AskedWrongly(f"{shell!r} is none of bash, zsh, fish")
    tree = _tree(ctx)
    typer.echo(_fish(tree) if shell == "fish" else (_ZSH if shell == "zsh" else "") + _bash(tree), nl=False)


def _tree(ctx: typer.Context) -> dict[tuple[str, ...], list[str]]:
    """What may follow nothing, a noun, and a verb."""
    root = ctx.find_root().command
    found: dict[tuple[str, ...], list[str]] = {(): _next(root)}
    for noun, command in getattr(root, "commands", {}).items():
        found[noun,] = _next(command)
        for verb, inner in getattr(command, "commands", {}).items():
            found[noun, verb] = _next(inner)
    return found


def _next(command: "_click.Command") -> list[str]:
    verbs = [name for name, inner in getattr(command, "commands", {}).items() if not inner.hidden]
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    return verbs or [*options, "--help"]


def _bash(tree: dict[tuple[str, ...], list[str]]) -> str:
    cases = []
    for path, words in tree.items():
        noun, verb = (*path, "", "")[:2]
        is_leaf = len(path) == 2 or words[-1] == "--help"
        pattern = f'"{noun} {verb}"' + ("*" if is_leaf else "")
        cases.append(f'        {pattern}) words="{" ".join(words)}" ;;')
    return _BASH % "\n".join(cases)


def _fish(tree: dict[tuple[str, ...], list[str]]) -> str:
    lines = ["# Completion of `gateway`; made by `gateway completion`."]
    for path, words in tree.items():
        options = [word[2:] for word in words if word.startswith("--")]
        verbs = " ".join(word for word in words if not word.startswith("--"))
        where = " && ".join(f"__fish_seen_subcommand_from {word}" for word in path) or "__fish_use_subcommand"
        if verbs:
            nothing_yet = f"{where}; and not __fish_seen_subcommand_from {verbs}" if path else where
            lines.append(f"complete -c gateway -f -n '{nothing_yet}' -a '{verbs}'")
        lines += [f"complete -c gateway -n '{where}' -l {option}" for option in options]
    return "\n".join(lines) + "\n"
