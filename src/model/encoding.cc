#include "model/encoding.h"

#include <algorithm>
#include <set>

#include "base/errors.h"

namespace sw::model {
namespace {

void AppendCode(const std::vector<std::string>& categories, const data::Column& from, std::size_t row, data::Column& to) {
  const std::string_view value = from.String(row);
  const auto found = std::lower_bound(categories.begin(), categories.end(), value);
  if (from.IsNull(row) || found == categories.end() || *found != value) return to.AppendNull();
  to.AppendDouble(static_cast<double>(found - categories.begin()));
}

}  // namespace

Result<Encoding> LearnEncoding(const data::Batch& table, const std::vector<std::string>& columns) {
  Encoding encoding;
  for (const std::string& name : columns) {
    const data::Column* column = SW_TRY(table.Get(name, "the training set"));
    if (column->type() != data::Type::kString) continue;
    std::set<std::string_view> values;
    for (std::size_t row = 0; row < column->size(); ++row) {
      if (!column->IsNull(row)) values.insert(column->String(row));
    }
    encoding.categories[name].assign(values.begin(), values.end());
  }
  return encoding;
}

Result<data::Batch> Encode(const Encoding& encoding, const data::Batch& rows, const std::vector<std::string>& columns) {
  data::Batch encoded;
  for (const std::string& name : columns) {
    const data::Column* from = SW_TRY(rows.Get(name, "the model's input"));
    const auto categories = encoding.categories.find(name);
    const bool is_text = from->type() == data::Type::kString;
    if (categories == encoding.categories.end() && is_text) {  // the engine's to read or to refuse
      encoded.AddColumn({name, from->type()}, *from);
      continue;
    }
    if (is_text != (categories != encoding.categories.end())) {
      return InvalidArgument("the model's input {} must be text, found {}", name, data::TypeName(from->type()));
    }
    data::Column to(data::Type::kFloat64);
    to.Reserve(from->size());
    for (std::size_t row = 0; row < from->size(); ++row) {
      if (is_text) {
        AppendCode(categories->second, *from, row, to);
      } else if (from->IsNull(row)) {
        to.AppendNull();
      } else {
        to.AppendDouble(from->AsDouble(row));
      }
    }
    encoded.AddColumn({name, data::Type::kFloat64}, std::move(to));
  }
  return encoded;
}

Json EncodingToJson(const Encoding& encoding) {
  Json json = Json::MakeObject();
  for (const auto& [column, categories] : encoding.categories) json.Set(column, Json::FromRange(categories));
  return json;
}

Result<Encoding> EncodingFromJson(const Json& json) {
  if (!json.IsObject()) return InvalidArgument("encoding: expected an object of columns, found {}", json.TypeName());
  Encoding encoding;
  for (const auto& [column, list] : json.AsObject()) {
    if (!list.IsArray()) return InvalidArgument("encoding: {} must be a list, found {}", column, list.TypeName());
    std::vector<std::string>& categories = encoding.categories[column];
    for (const Json& item : list.AsArray()) {
      if (!item.IsString()) return InvalidArgument("encoding: {} must hold text, found {}", column, item.TypeName());
      if (!categories.empty() && categories.back() >= item.AsString()) {
        return InvalidArgument("encoding: {} must be sorted without repeats, found {} after {}", column,
                               item.AsString(), categories.back());
      }
      categories.push_back(item.AsString());
    }
  }
  return encoding;
}

}  // namespace sw::model
