#include "feast/row_encoder.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "feast/values.h"

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;
using data::RawValue;

std::int64_t FloorSeconds(TimeUs us) { return (us >= 0 ? us : us - (base::kSecondUs - 1)) / base::kSecondUs; }

Json JsonOf(const RawValue& value);

Json JsonOf(const RawValue::Pairs& pairs) {
  Json object = Json::MakeObject();
  for (const auto& [key, item] : pairs) {
    const Json name = JsonOf(key);
    object.Set(name.IsString() ? name.AsString() : name.Dump(), JsonOf(item));
  }
  return object;
}

// As a data frame's cell would come by JSON: bytes in base64, times in seconds.
struct ToJson {
  Json operator()(std::monostate) const { return {}; }
  Json operator()(bool value) const { return value; }
  Json operator()(std::int64_t value) const { return value; }
  Json operator()(float value) const { return static_cast<double>(value); }
  Json operator()(double value) const { return value; }
  Json operator()(const std::string& value) const { return value; }
  Json operator()(const RawValue::Bytes& value) const {
    std::string text;
    AppendBase64(text, value.bytes);
    return text;
  }
  Json operator()(const RawValue::Time& value) const { return FloorSeconds(value.us); }
  Json operator()(const RawValue::List& value) const {
    Json list = Json::MakeArray();
    for (const RawValue& item : value) list.Append(JsonOf(item));
    return list;
  }
  Json operator()(const RawValue::Pairs& value) const { return JsonOf(value); }
};

Json JsonOf(const RawValue& value) { return std::visit(ToJson(), value.value); }

// The usual types at once; false for what needs a closer look.
bool AppendPlain(const RawValue& value, ValueType type, std::string& out) {
  if (const auto* number = std::get_if<std::int64_t>(&value.value)) {
    if (type == Types::INT64 || type == Types::UNIX_TIMESTAMP) return AppendIntValue(out, type, *number), true;
    if (type == Types::DOUBLE) return AppendDoubleValue(out, static_cast<double>(*number)), true;
    return false;
  }
  if (const auto* number = std::get_if<double>(&value.value)) {
    if (std::isnan(*number)) return type == Types::DOUBLE || type == Types::FLOAT;  // pandas writes so what is missing
    if (type == Types::DOUBLE) return AppendDoubleValue(out, *number), true;
    if (type == Types::FLOAT) return AppendFloatValue(out, static_cast<float>(*number)), true;
    return false;
  }
  if (const auto* number = std::get_if<float>(&value.value)) {
    if (std::isnan(*number)) return type == Types::DOUBLE || type == Types::FLOAT;
    if (type == Types::FLOAT) return AppendFloatValue(out, *number), true;
    if (type == Types::DOUBLE) return AppendDoubleValue(out, static_cast<double>(*number)), true;
    return false;
  }
  if (const auto* text = std::get_if<std::string>(&value.value)) {
    if (type == Types::STRING) return AppendTextValue(out, type, *text), true;
    return false;
  }
  if (const auto* bytes = std::get_if<RawValue::Bytes>(&value.value)) {
    if (type == Types::BYTES) return AppendTextValue(out, type, bytes->bytes), true;
    return false;
  }
  if (const auto* flag = std::get_if<bool>(&value.value); flag != nullptr && type == Types::BOOL) {
    return AppendIntValue(out, type, *flag ? 1 : 0), true;
  }
  return value.IsNull();
}

}  // namespace

std::vector<std::string> TableColumns::All() const {
  std::vector<std::string> all = keys;
  for (const std::string& name : features) all.push_back(name);
  all.push_back(event);
  if (!created.empty()) all.push_back(created);
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

RowEncoder::RowEncoder(std::string_view project, const View& view, TableColumns columns)
    : project_(project), view_(view), columns_(std::move(columns)), format_(view.keys), writer_(RowLayout::Of(view.features).id) {}

Status RowEncoder::AppendKey(const data::RawTable& table, std::size_t row, std::string& out) {
  values_.clear();
  scratch_.assign(2 * view_.keys.size(), {});
  for (std::size_t k = 0; k < view_.keys.size(); ++k) {
    const RawValue value = SW_TRY(table.Value(row, key_places_[k]));
    const auto* number = std::get_if<std::int64_t>(&value.value);
    if (number != nullptr && view_.keys[k].type == Types::INT64) {
      values_.push_back({Types::INT64, *number, {}});
      continue;
    }
    const Json json = JsonOf(value);
    auto read = ReadKeyValue(json, view_.keys[k].type, scratch_[2 * k]);
    if (!read) return std::unexpected(std::move(read).error().Within(fmt::format("column {}", columns_.keys[k])));
    if (!read->text.empty()) read->text = scratch_[2 * k + 1] = std::string(read->text);
    values_.push_back(*read);
  }
  std::string entity;
  format_.Append(values_, entity);
  AppendRowKey(project_, entity, view_.name, out);
  return Ok();
}

Status RowEncoder::AppendFeature(const data::RawTable& table, std::size_t row, std::size_t feature) {
  const RawValue value = SW_TRY(table.Value(row, feature_places_[feature]));
  const ValueType type = view_.features[feature].type;
  if (!AppendPlain(value, type, writer_.bytes())) {
    auto bytes = EncodeValue(JsonOf(value), type);
    if (!bytes) return std::unexpected(std::move(bytes).error().Within(fmt::format("column {}", columns_.features[feature])));
    writer_.bytes() += *bytes;
  }
  writer_.Next();
  return Ok();
}

Result<std::vector<store::OnlineWrite>> RowEncoder::Encode(const data::RawTable& table) {
  key_places_.clear();
  feature_places_.clear();
  for (const std::string& name : columns_.keys) key_places_.push_back(SW_TRY(table.Index(name, view_.name)));
  for (const std::string& name : columns_.features) feature_places_.push_back(SW_TRY(table.Index(name, view_.name)));
  const data::RawTimes events = SW_TRY(table.Times(SW_TRY(table.Index(columns_.event, view_.name)), data::TimeUnit::kMicroseconds));
  data::RawTimes created;
  if (!columns_.created.empty()) created = SW_TRY(table.Times(SW_TRY(table.Index(columns_.created, view_.name)), data::TimeUnit::kMicroseconds));
  std::vector<store::OnlineWrite> writes(table.num_rows());
  for (std::size_t row = 0; row < writes.size(); ++row) {
    SW_TRY(AppendKey(table, row, writes[row].key));
    writer_.Begin();
    for (std::size_t f = 0; f < feature_places_.size(); ++f) SW_TRY(AppendFeature(table, row, f));
    const bool has_created = !created.values.empty() && created.is_null[row] == 0;
    writer_.Finish(events.values[row], has_created ? created.values[row] : kNoCreated, writes[row].value.emplace());
  }
  return writes;
}

}  // namespace sw::feast
