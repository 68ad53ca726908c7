// JSON lines: one object a line. Reads the text twice: first for names and types, then for values.
#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/errors.h"
#include "base/files.h"
#include "data/file_formats.h"

namespace sw::data {
namespace {

constexpr std::size_t kColumnsMax = 10'000;

// Calls visit(line number from 1, object) for every line that is not blank.
template <typename Visit>
Status ForEachLine(std::string_view text, Visit visit) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto object = Json::Parse(line);
    if (!object) return InvalidArgument("line {}: {}", number, object.error().message);
    if (!object->IsObject()) {
      return InvalidArgument("line {}: expected an object, found {}", number, object->TypeName());
    }
    SW_TRY(visit(number, *object));
  }
  return Ok();
}

Result<Type> TypeOfValue(const Json& value) {
  if (value.IsBool()) return Type::kBool;
  if (value.IsInt()) return Type::kInt64;
  if (value.IsDouble()) return Type::kFloat64;
  if (!value.IsString()) return InvalidArgument("expected a plain value, found {}; flatten it", value.TypeName());
  return base::ParseTime(value.AsString()) ? Type::kTimestamp : Type::kString;
}

// The one type that holds values of both.
Result<Type> Widened(Type a, Type b) {
  if (a == b) return a;
  const auto either = [&](Type x, Type y) { return (a == x && b == y) || (a == y && b == x); };
  if (either(Type::kInt64, Type::kFloat64)) return Type::kFloat64;
  if (either(Type::kTimestamp, Type::kString)) return Type::kString;
  return InvalidArgument("both {} and {} occur; declare the column's type", TypeName(a), TypeName(b));
}

// What the lines read so far say about the columns, in order of appearance.
class Inference {
 public:
  explicit Inference(const ReadOptions& options) : options_(options) {}

  Status Add(const Json& object) {
    for (const auto& [name, value] : object.AsObject()) {
      const auto [found, is_new] = index_.try_emplace(name, types_.size());
      if (is_new) {
        if (types_.size() == kColumnsMax) return ResourceExhausted("more than {} columns", kColumnsMax);
        names_.push_back(name);
        types_.emplace_back();
      }
      if (value.IsNull() || options_.types.contains(name)) continue;
      auto type = TypeOfValue(value);
      std::optional<Type>& known = types_[found->second];
      if (type && known) type = Widened(*known, *type);
      if (!type) return InvalidArgument("column \"{}\": {}", name, type.error().message);
      known = *type;
    }
    return Ok();
  }

  Schema Finish() const {
    Schema schema;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto declared = options_.types.find(names_[i]);
      const bool is_declared = declared != options_.types.end();
      schema.fields.push_back({names_[i], is_declared ? declared->second : types_[i].value_or(Type::kString)});
    }
    return schema;
  }

 private:
  const ReadOptions& options_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<std::string> names_;
  std::vector<std::optional<Type>> types_;  // none: only nulls so far
};

Status AppendObject(const Json& object, std::size_t line, Batch& batch) {
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const std::string& name = batch.schema().fields[i].name;
    const Json* value = object.Find(name);
    const Status status = batch.column(i).AppendJson(value == nullptr ? Json() : *value);
    if (!status) return InvalidArgument("line {}, column \"{}\": {}", line, name, status.error().message);
  }
  return Ok();
}

}  // namespace

Result<Batch> ReadJsonLinesFile(const std::string& path, const ReadOptions& options) {
  const std::string text = SW_TRY(base::ReadFile(path));
  Inference inference(options);
  std::uint64_t rows = 0;
  SW_TRY(ForEachLine(text, [&](std::size_t line, const Json& object) -> Status {
    if (++rows > options.rows_max) return ResourceExhausted("more rows than rows_max = {}", options.rows_max);
    auto status = inference.Add(object);
    if (!status) return std::unexpected(std::move(status).error().Within(fmt::format("line {}", line)));
    return status;
  }));
  const Schema schema = inference.Finish();
  Batch batch(schema);
  if (!options.columns.empty()) {
    Schema selected;
    for (const std::string& name : options.columns) {
      const std::size_t index = SW_TRY(schema.Index(name, path));
      selected.fields.push_back(schema.fields[index]);
    }
    batch = Batch(selected);
  }
  SW_TRY(ForEachLine(
      text, [&](std::size_t line, const Json& object) { return AppendObject(object, line, batch); }));
  return batch;
}

}  // namespace sw::data
