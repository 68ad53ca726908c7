#include "api/sagemaker/bodies.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "api/sagemaker/libsvm.h"
#include "api/sagemaker/record_io.h"
#include "api/wire/csv_rows.h"
#include "api/wire/json_body.h"
#include "api/wire/predict.h"
#include "api/wire/tensor.h"
#include "base/errors.h"

namespace sw::sagemaker {
namespace {

// The first name of a type is the one that answers have.
constexpr std::pair<std::string_view, BodyType> kTypes[] = {{"text/csv", BodyType::kCsv},
                                                            {"application/json", BodyType::kJson},
                                                            {"application/jsonlines", BodyType::kJsonLines},
                                                            {"text/libsvm", BodyType::kLibsvm},
                                                            {"text/x-libsvm", BodyType::kLibsvm},
                                                            {"application/x-recordio-protobuf", BodyType::kRecordIo}};

// {"features": [...]} is the array in it.
const Json& Unboxed(const Json& instance) {
  const Json* features = instance.IsObject() && instance.size() == 1 ? instance.Find("features") : nullptr;
  return features == nullptr ? instance : *features;
}

Result<data::Batch> RowsFromItems(const data::Schema& schema, const Json::Array& items) {
  Json instances = Json::MakeArray();
  for (const Json& item : items) instances.Append(Unboxed(item));
  return wire::RowsFromInstances(schema, instances);
}

// {"instances": [...]}, an array of instances, or one instance.
Result<data::Batch> RowsFromJson(const data::Schema& schema, std::string_view text) {
  const Json body = SW_TRY(wire::ParseJsonBody(text));
  if (body.IsArray()) return RowsFromItems(schema, body.AsArray());
  if (!body.IsObject()) return InvalidArgument("the body must be an object or an array, found {}", body.TypeName());
  if (!body.Has("instances")) return RowsFromItems(schema, {body});
  return RowsFromItems(schema, SW_TRY(body.GetArray("instances"))->AsArray());
}

Result<data::Batch> RowsFromJsonLines(const data::Schema& schema, std::string_view text) {
  Json::Array items;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.find_first_not_of(" \t\r") == part.npos) continue;
    auto item = wire::ParseJsonBody(part);
    if (!item) return std::unexpected(std::move(item).error().Within(fmt::format("line {}", line)));
    items.push_back(*std::move(item));
  }
  return RowsFromItems(schema, items);
}

Result<data::Batch> Read(const data::Schema& request, BodyType type, std::string_view body) {
  switch (type) {
    case BodyType::kCsv: return wire::RowsFromCsv(request, body, wire::CsvHeader::kNone);
    case BodyType::kJson: return RowsFromJson(request, body);
    case BodyType::kJsonLines: return RowsFromJsonLines(request, body);
    case BodyType::kLibsvm: return RowsFromLibsvm(request, body);
    case BodyType::kRecordIo: return RowsFromRecordIo(request, body);
  }
  return Internal("a body of no type");
}

}  // namespace

std::optional<BodyType> ParseBodyType(std::string_view header) {
  const std::string name = wire::MediaType(header);
  const auto* found = std::ranges::find(kTypes, std::string_view(name), [](const auto& type) { return type.first; });
  return found == std::end(kTypes) ? std::nullopt : std::optional(found->second);
}

std::string_view BodyTypeName(BodyType type) {
  return std::ranges::find(kTypes, type, [](const auto& each) { return each.second; })->first;
}

std::string BodyTypeNames() {
  std::vector<std::string_view> names;
  for (const auto& [name, type] : kTypes) names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Result<data::Batch> ReadRows(const data::Schema& request, BodyType type, std::string_view body) {
  data::Batch rows = SW_TRY(Read(request, type, body));
  if (rows.num_rows() == 0) return InvalidArgument("the body has no rows");
  return rows;
}

}  // namespace sw::sagemaker
