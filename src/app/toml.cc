#include "app/toml.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 1
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "base/errors.h"
#include "base/files.h"

namespace sw::app {
namespace {

class Converter {
 public:
  explicit Converter(std::map<std::string, int>& lines) : lines_(lines) {}

  Json Value(const toml::node& node, const std::string& path) {
    if (const toml::table* table = node.as_table()) return Table(*table, path);
    if (const toml::array* array = node.as_array()) return Array(*array, path);
    if (const auto* text = node.as_string()) return Json(text->get());
    if (const auto* integer = node.as_integer()) return Json(integer->get());
    if (const auto* number = node.as_floating_point()) return Json(number->get());
    if (const auto* truth = node.as_boolean()) return Json(truth->get());
    return Json(TimeText(node));
  }

 private:
  struct Entry {
    toml::source_position place;
    const toml::key* key;
    const toml::node* node;
  };

  // The library sorts a table by name; the file's own order comes back through the keys' places.
  Json Table(const toml::table& table, const std::string& path) {
    std::vector<Entry> entries;
    for (auto&& [key, node] : table) entries.push_back({key.source().begin, &key, &node});
    std::ranges::stable_sort(entries,
                             [](const Entry& a, const Entry& b) { return a.place < b.place; });
    Json out = Json::MakeObject();
    for (const Entry& entry : entries) {
      const std::string name(entry.key->str());
      const std::string below = path.empty() ? name : fmt::format("{}.{}", path, name);
      lines_.emplace(below, static_cast<int>(entry.place.line));
      out.Set(name, Value(*entry.node, below));
    }
    return out;
  }

  Json Array(const toml::array& array, const std::string& path) {
    Json out = Json::MakeArray();
    for (std::size_t i = 0; i < array.size(); ++i) {
      const std::string below = fmt::format("{}[{}]", path, i);
      lines_.emplace(below, static_cast<int>(array[i].source().begin.line));
      out.Append(Value(array[i], below));
    }
    return out;
  }

  static std::string TimeText(const toml::node& node) {
    std::ostringstream text;
    if (const auto* date = node.as_date()) text << date->get();
    if (const auto* time = node.as_time()) text << time->get();
    if (const auto* both = node.as_date_time()) text << both->get();
    return text.str();
  }

  std::map<std::string, int>& lines_;
};

// Where line `number` assigns a key or opens a table, its name; else nothing.
std::string KeyOnLine(std::string_view text, std::size_t number) {
  for (std::size_t line = 1; line < number && !text.empty(); ++line) {
    text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
    if (text.find('\n') == text.npos && line + 1 < number) return "";
  }
  text = text.substr(0, text.find('\n'));
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return "";
  text.remove_prefix(begin);
  const std::string_view end_marks = text.starts_with('[') ? "\r#" : "=\r#";
  text = text.substr(0, text.find_first_of(end_marks));
  text = text.substr(0, text.find_last_not_of(" \t") + 1);
  const bool printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  return printable && text.size() <= 128 ? std::string(text) : "";
}

Error SyntaxError(const toml::parse_error& error, std::string_view text, const std::string& name) {
  const auto place = error.source().begin;
  const std::string key = KeyOnLine(text, place.line);
  std::string message = fmt::format("{}:{}:{}: ", name, place.line, place.column);
  if (!key.empty()) message += fmt::format("at {}: ", key);
  message += error.description();
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

}  // namespace

int TomlFile::LineOf(std::string_view key) const {
  for (std::string path(key); !path.empty(); path.resize(path.find_last_of(".["))) {
    if (const auto found = lines.find(path); found != lines.end()) return found->second;
    if (path.find_last_of(".[") == path.npos) break;
  }
  return 0;
}

Error TomlFile::Locate(Error error) const {
  const std::size_t end = error.message.find(": ");
  const int line =
      end == std::string::npos ? 0 : LineOf(std::string_view(error.message).substr(0, end));
  error.message = line == 0 ? fmt::format("{}: {}", name, error.message)
                            : fmt::format("{}:{}: {}", name, line, error.message);
  return error;
}

Result<TomlFile> ParseToml(std::string_view text, std::string name) {
  if (text.size() > kTomlBytesMax) {
    return InvalidArgument("{}: {} bytes, the limit toml_bytes_max is {}", name, text.size(),
                           kTomlBytesMax);
  }
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) return std::unexpected(SyntaxError(parsed.error(), text, name));
  TomlFile file{std::move(name), {}, {}};
  file.root = Converter(file.lines).Value(parsed.table(), "");
  return file;
}

Result<TomlFile> ReadTomlFile(const std::string& path) {
  const std::string text = SW_TRY(base::ReadFile(path, kTomlBytesMax + 1));
  return ParseToml(text, path);
}

}  // namespace sw::app
