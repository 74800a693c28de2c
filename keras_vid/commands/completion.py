"""keras-vid completion: what the Tab key completes, for a shell."""

import argparse
import importlib

SHELLS = ("bash", "zsh", "fish")
EXAMPLES = """examples:
  source <(keras-vid completion bash)  # in ~/.bashrc
  source <(keras-vid completion zsh)  # in ~/.zshrc, after compinit
  keras-vid completion fish > ~/.config/fish/completions/keras-vid.fish
"""


def add_arguments(parser):
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads what is printed")


def run(args):
    print({"bash": bash, "zsh": zsh, "fish": fish}[args.shell](options()), end="")


def options():
    """`{command: [option, ...]}` of all commands, from their own parsers."""
    from keras_vid.cli import COMMANDS

    flags = {}
    for name, (address, _) in COMMANDS.items():
        parser = argparse.ArgumentParser()
        importlib.import_module(address).add_arguments(parser)
        flags[name] = sorted(_long(parser))
    return flags


def _long(parser):
    """The long options of a parser and of its subcommands, and the names of these."""
    for action in parser._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield name
                yield from _long(sub)


def bash(commands):
    """
    >>> "complete -o default -F _keras_vid keras-vid" in bash({"list": ["--json"]})
    True
    """
    cases = "\n".join(f'    {name}) words="{" ".join(dict.fromkeys(words))}" ;;' for name, words in commands.items())
    return f"""\
_keras_vid() {{
  local words current="${{COMP_WORDS[COMP_CWORD]}}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{" ".join(commands)} --help --version" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  COMPREPLY=()
  if [[ "$current" == -* || "$COMP_CWORD" -eq 2 ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}}
complete -o default -F _keras_vid keras-vid
"""


def zsh(commands):
    return "autoload -U bashcompinit && bashcompinit\n" + bash(commands)


def fish(commands):
    lines = ["complete -c keras-vid -n __fish_use_subcommand -f"]
    for name, words in commands.items():
        lines.append(f"complete -c keras-vid -n __fish_use_subcommand -a {name}")
        inside = f"'__fish_seen_subcommand_from {name}'"
        for word in dict.fromkeys(words):
            kind = f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"
            lines.append(f"complete -c keras-vid -n {inside} {kind}")
    return "\n".join(lines) + "\n"
