// A package is refused, or it scores, and written again it is a package that is written the same.
//
// The input is the manifest, then parts, between lines of "%%". "#1" in the manifest stands for the
// first part's hash, so that a part can change without the fuzzer having to guess SHA-256.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/map_blobs.h"
#include "model/package.h"

namespace {

constexpr std::string_view kBetween = "\n%%\n";

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(kBetween);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + kBetween.size());
  }
}

// The manifest's id.
std::string PutAll(std::vector<std::string> parts, const sw::model::PutBlob& put) {
  std::string& manifest = parts.front();
  for (std::size_t i = 1; i < parts.size() && i < 10; ++i) {
    const std::string hash = put(parts[i]).value();
    const std::string name = "#" + std::to_string(i);
    const std::size_t at = manifest.find(name);
    if (at != std::string::npos) manifest.replace(at, name.size(), hash);
  }
  return put(manifest).value();
}

sw::data::Batch NullRow(const sw::model::PackageContent& content) {
  sw::data::Batch row;
  for (const std::string& name : content.inputs) {
    const bool is_text = content.encoding.categories.contains(name);
    const sw::data::Type type = is_text ? sw::data::Type::kString : sw::data::Type::kFloat64;
    sw::data::Column column(type);
    column.AppendNull();
    row.AddColumn({name, type}, std::move(column));
  }
  return row;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sw::model::MapBlobs blobs;
  const auto put = blobs.Put();
  const auto get = blobs.Get();
  const std::string id = PutAll(Split({reinterpret_cast<const char*>(data), size}), put);
  const auto package = sw::model::LoadPackage(id, get);
  if (!package) return 0;
  const sw::model::Engine& engine = (*package)->engine();
  std::vector<double> scores(engine.outputs(sw::model::Output::kPrediction));
  const sw::Status scored =
      (*package)->Score(NullRow((*package)->content()), sw::model::Output::kPrediction, scores);
  // Other formats may refuse a row for what it holds.
  const std::string& format = (*package)->content().format;
  const bool takes_nulls = format == "lightgbm" || format == "linear" || format == "xgboost";
  SW_CHECK(scored.has_value() || !takes_nulls, scored ? "" : scored.error().message.c_str());
  const std::string again_id = sw::model::WritePackage(sw::model::ReadPackage(id, get).value(), put).value();
  const auto again = sw::model::LoadPackage(again_id, get);
  SW_CHECK(again.has_value(), again ? "" : again.error().message.c_str());
  SW_CHECK(sw::model::WritePackage(sw::model::ReadPackage(again_id, get).value(), put).value() == again_id,
           "a package has two forms");
  return 0;
}
