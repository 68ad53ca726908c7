#include "cli/completion.h"

#include "base/errors.h"

namespace sw::cli {
namespace {

std::string Words(const CommandNode& node) {
  std::string words;
  for (const CommandNode& child : node.below) words += child.name + " ";
  for (const std::string& flag : node.flags) words += flag + " ";
  if (!words.empty()) words.pop_back();
  return words;
}

// Cases of bash's and zsh's own `case "$path"`, a line a command.
void AppendCases(const CommandNode& node, const std::string& path, std::string& out) {
  out += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, Words(node));
  for (const CommandNode& child : node.below) AppendCases(child, path + " " + child.name, out);
}

// The path is the words so far that are no flags, as far as they are commands.
std::string Bash(const CommandNode& program) {
  std::string cases;
  AppendCases(program, program.name, cases);
  std::string known;
  for (const CommandNode& child : program.below) {
    known += " " + child.name;
    for (const CommandNode& below : child.below)
      known += fmt::format(" {}/{}", child.name, below.name);
  }
  return fmt::format(R"sh(# bash completion for seaworthy: source <(seaworthy completion bash)
_seaworthy() {{
  local words="" path="seaworthy" first="" word i
  local known="{} "
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
    if [[ -z "$first" && "$known" == *" $word "* ]]; then first="$word"; path="$path $word"
    elif [[ -n "$first" && "$known" == *" $first/$word "* ]]; then path="$path $word"; break
    fi
  done
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
  [[ ${{#COMPREPLY[@]}} -gt 0 ]] || COMPREPLY=($(compgen -f -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o filenames -F _seaworthy seaworthy
)sh",
                     known, cases);
}

std::string Zsh(const CommandNode& program) {
  return "#compdef seaworthy\n# zsh completion: seaworthy completion zsh > "
         "\"${fpath[1]}/_seaworthy\"\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         Bash(program);
}

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "\\'" : std::string(1, c);
  return out + "'";
}

std::string Fish(const CommandNode& program) {
  std::string out =
      "# fish completion: seaworthy completion fish > ~/.config/fish/completions/seaworthy.fish\n";
  for (const CommandNode& child : program.below) {
    out += fmt::format("complete -c seaworthy -n __fish_use_subcommand -f -a {} -d {}\n",
                       child.name, Quoted(child.help));
    const std::string seen = "__fish_seen_subcommand_from " + child.name;
    for (const std::string& flag : child.flags) {
      out += fmt::format("complete -c seaworthy -n '{}' -l {}\n", seen, flag.substr(2));
    }
    for (const CommandNode& below : child.below) {
      out += fmt::format("complete -c seaworthy -n '{}' -f -a {} -d {}\n", seen, below.name,
                         Quoted(below.help));
      for (const std::string& flag : below.flags) {
        out +=
            fmt::format("complete -c seaworthy -n '{}; and __fish_seen_subcommand_from {}' -l {}\n",
                        seen, below.name, flag.substr(2));
      }
    }
  }
  return out;
}

}  // namespace

Result<std::string> CompletionScript(const CommandNode& program, std::string_view shell) {
  if (shell == "bash") return Bash(program);
  if (shell == "zsh") return Zsh(program);
  if (shell == "fish") return Fish(program);
  return InvalidArgument("no completion for {}; there is bash, zsh and fish", shell);
}

}  // namespace sw::cli
