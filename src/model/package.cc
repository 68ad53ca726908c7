#include "model/package.h"

#include <set>
#include <utility>

#include "base/errors.h"
#include "base/hash.h"
#include "model/formats/lightgbm.h"
#include "model/formats/linear.h"

namespace sw::model {
namespace {

const base::FormatVersion kFormat{.name = "seaworthy/package", .version = kPackageVersion, .reader_min = 0};
constexpr const char* kExpectedColumn = "_expected";

Result<std::unique_ptr<Engine>> MakeEngine(const PackageContent& content) {
  if (content.format == "linear") return MakeLinearEngine(SW_TRY(ParseLinear(content.model)));
  if (content.format != "lightgbm") {
    return Unimplemented("package: the model format {} is not read; lightgbm and linear are", content.format);
  }
  Forest forest = SW_TRY(ParseLightGbm(content.model));
  if (forest.features.size() != content.inputs.size()) {
    return InvalidArgument("package: the model reads {} features, the package names {} inputs",
                           forest.features.size(), content.inputs.size());
  }
  forest.features = content.inputs;  // LightGBM replaces characters in names; ours are the request's
  return MakeForestEngine(std::move(forest));
}

// Without golden rows nothing else would notice that no request can be scored.
Status CheckInputs(const PackageContent& content, const Engine& engine) {
  const std::set<std::string_view> inputs(content.inputs.begin(), content.inputs.end());
  if (inputs.size() != content.inputs.size()) return InvalidArgument("package: inputs names a column twice");
  for (const std::string& name : engine.inputs()) {
    if (!inputs.contains(name)) return InvalidArgument("package: the model reads {}, which inputs does not name", name);
  }
  return Ok();
}

data::Batch GoldenToBatch(const GoldenRows& golden) {
  data::Batch batch = golden.inputs;
  data::Column expected(data::Type::kFloat64);
  for (const double value : golden.expected) expected.AppendDouble(value);
  batch.AddColumn({kExpectedColumn, data::Type::kFloat64}, std::move(expected));
  return batch;
}

Result<GoldenRows> GoldenFromBatch(const data::Batch& batch) {
  const data::Column* expected = SW_TRY(batch.Get(kExpectedColumn, "the golden rows"));
  if (expected->type() != data::Type::kFloat64) return InvalidArgument("package: golden rows expect float64 scores");
  std::vector<std::string> names;
  for (const data::Field& field : batch.schema().fields) {
    if (field.name != kExpectedColumn) names.push_back(field.name);
  }
  return GoldenRows{.inputs = SW_TRY(batch.Select(names)),
                    .expected = {expected->doubles().begin(), expected->doubles().end()}};
}

// Fetches the part that the manifest names, and proves that it is that part.
Result<std::string> FetchPart(const Json& parts, std::string_view part, const GetBlob& get) {
  const std::string hash = SW_TRY(parts.GetString(part));
  std::string bytes = SW_TRY(get(hash));
  if (base::Sha256Hex(bytes) != hash) return DataLoss("package: the bytes of part {} are not {}", part, hash);
  return bytes;
}

Result<std::string> FetchManifest(const std::string& id, const GetBlob& get) {
  std::string bytes = SW_TRY(get(id));
  if (base::Sha256Hex(bytes) != id) return DataLoss("package: the manifest's bytes are not {}", id);
  return bytes;
}

Status CheckManifestFormat(const Json& manifest) {
  const base::FormatVersion found{.name = SW_TRY(manifest.GetString("format_name")),
                                  .version = static_cast<int>(SW_TRY(manifest.GetInt("format_version"))),
                                  .reader_min = static_cast<int>(SW_TRY(manifest.GetInt("reader_min")))};
  return base::CheckReadable(found, kFormat);
}

Result<PackageContent> ReadContent(const Json& manifest, const GetBlob& get) {
  const Json* parts = SW_TRY(manifest.GetObject("parts"));
  PackageContent content;
  content.format = SW_TRY(manifest.GetString("model_format"));
  content.model = SW_TRY(FetchPart(*parts, "model", get));
  for (const Json& name : SW_TRY(manifest.GetArray("inputs"))->AsArray()) {
    if (!name.IsString()) return InvalidArgument("package: inputs must be names, found {}", name.TypeName());
    content.inputs.push_back(name.AsString());
  }
  content.encoding = SW_TRY(EncodingFromJson(*SW_TRY(manifest.GetObject("encoding"))));
  content.contract = SW_TRY(data::Contract::FromJson(SW_TRY(Json::Parse(SW_TRY(FetchPart(*parts, "contract", get))))));
  content.profile = SW_TRY(data::Profile::FromJson(SW_TRY(Json::Parse(SW_TRY(FetchPart(*parts, "profile", get))))));
  if (parts->Has("golden")) {
    const std::string bytes = SW_TRY(FetchPart(*parts, "golden", get));
    content.golden = SW_TRY(GoldenFromBatch(SW_TRY(data::DecodeBatch(bytes))));
  }
  if (parts->Has("report")) content.report = SW_TRY(Json::Parse(SW_TRY(FetchPart(*parts, "report", get))));
  if (const Json* lineage = manifest.Find("lineage")) content.lineage = *lineage;
  return content;
}

}  // namespace

Result<std::string> WritePackage(const PackageContent& content, const PutBlob& put) {
  Json parts = Json::MakeObject();
  parts.Set("model", SW_TRY(put(content.model)));
  parts.Set("contract", SW_TRY(put(content.contract.ToJson().Dump())));
  parts.Set("profile", SW_TRY(put(content.profile.ToJson().Dump())));
  if (!content.golden.expected.empty()) {
    parts.Set("golden", SW_TRY(put(data::EncodeBatch(GoldenToBatch(content.golden)))));
  }
  if (!content.report.IsNull()) parts.Set("report", SW_TRY(put(content.report.Dump())));
  const Json manifest = Json::MakeObject({{"format_name", kFormat.name},
                                          {"format_version", kFormat.version},
                                          {"reader_min", kFormat.reader_min},
                                          {"model_format", content.format},
                                          {"inputs", Json::FromRange(content.inputs)},
                                          {"encoding", EncodingToJson(content.encoding)},
                                          {"parts", std::move(parts)},
                                          {"lineage", content.lineage}});
  return put(manifest.Dump());
}

Status Package::Score(const data::Batch& rows, std::span<double> scores) const {
  return engine_->Score(SW_TRY(Encode(content_.encoding, rows, content_.inputs)), Output::kPrediction, scores);
}

Status Package::ReplayGolden() const {
  const GoldenRows& golden = content_.golden;
  std::vector<double> scores(golden.expected.size());
  if (scores.empty()) return Ok();
  SW_TRY(Score(golden.inputs, scores));
  const std::uint64_t ulp_max = kPackageUlpMax;  // of predictions; raw scores of exact packages have none to spare
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::uint64_t distance = UlpDistance(scores[i], golden.expected[i]);
    if (distance > ulp_max) {
      return FailedPrecondition(
          "package: golden row {} expects {}, this build scores {} ({} ulp apart, {} allowed); it was not loaded", i,
          golden.expected[i], scores[i], distance, ulp_max);
    }
  }
  return Ok();
}

Result<std::unique_ptr<const Package>> LoadPackage(const std::string& id, const GetBlob& get) {
  const Json manifest = SW_TRY(Json::Parse(SW_TRY(FetchManifest(id, get))));
  SW_TRY(CheckManifestFormat(manifest));
  auto package = std::make_unique<Package>();
  package->id_ = id;
  package->content_ = SW_TRY(ReadContent(manifest, get));
  package->engine_ = SW_TRY(MakeEngine(package->content_));
  SW_TRY(CheckInputs(package->content_, *package->engine_));
  SW_TRY(package->ReplayGolden());
  return package;
}

}  // namespace sw::model
