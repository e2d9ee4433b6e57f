"""Completion in shells: what may follow each word, asked of a real bash."""

import shutil
import subprocess

import pytest
from fakes.commandline import Cli


def completed(cli: Cli, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    if not shutil.which("bash"):
        pytest.skip("there is no bash")
    script = cli.run("completion", "bash")
    array = " ".join(f"'{word}'" for word in ("gateway", *words))
    ask = f'{script}\nCOMP_WORDS=({array}); COMP_CWORD={len(words)}; _gateway; echo "${{COMPREPLY[*]}}"'
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_bash_completes_nouns_verbs_and_options(blank: Cli) -> None:
    """Each in its place; options also after numbers and names."""
    assert {"ticket", "queue", "rule"} <= completed(blank, "")
    assert completed(blank, "ti") == {"ticket"}
    assert completed(blank, "ticket", "me") == {"merge"}
    assert completed(blank, "ticket", "merge", "13", "--in") == {"--into"}
    assert "--mine" in completed(blank, "list", "--")
    assert "--json" in completed(blank, "status", "--j")


def test_other_shells_have_their_scripts_and_unknown_ones_are_refused(blank: Cli) -> None:
    """Every noun stands in each."""
    assert "compdef gateway" in blank.run("completion", "zsh")
    assert "__fish_seen_subcommand_from ticket" in blank.run("completion", "fish")
    assert "bash, zsh, fish" in blank.refuses("completion", "tcsh", exits=2)
