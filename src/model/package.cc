#include "model/package.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/hash.h"

namespace sw::model {
namespace {

const base::FormatVersion kFormat{.name = "seaworthy/package", .version = kPackageVersion, .reader_min = 0};
constexpr const char* kExpectedColumn = "_expected";

Result<std::unique_ptr<Engine>> Compile(const PackageContent& content, EngineOptions options) {
  options.columns = content.inputs;  // LightGBM replaces characters in names; ours are the request's
  return MakeEngine(content.format, content.model, options);
}

// Without golden rows nothing else would notice that no request can be scored.
Status CheckInputs(const PackageContent& content, const Engine& engine) {
  const std::set<std::string_view> inputs(content.inputs.begin(), content.inputs.end());
  if (inputs.size() != content.inputs.size()) return InvalidArgument("package: inputs names a column twice");
  for (const std::string& name : engine.inputs()) {
    if (!inputs.contains(name)) return InvalidArgument("package: the model reads {}, which inputs does not name", name);
  }
  if (engine.outputs(Output::kPrediction) != 1) {
    return Unimplemented("package: the model has {} predictions a row; those with one are served",
                         engine.outputs(Output::kPrediction));
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

// Of predictions; raw scores of exact packages have nothing to spare.
bool IsNear(double score, double expected, Exactness exactness) {
  if (UlpDistance(score, expected) <= kPackageUlpMax) return true;
  if (exactness != Exactness::kEngine) return false;
  return std::abs(score - expected) <= kPackageEngineError * std::max(1.0, std::abs(expected));
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
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (IsNear(scores[i], golden.expected[i], exactness())) continue;
    return FailedPrecondition("package: golden row {} expects {}, this build scores {} ({} ulp apart; {} are allowed, or of class "
                              "engine an error of {}); it was not loaded", i, golden.expected[i], scores[i],
                              UlpDistance(scores[i], golden.expected[i]), kPackageUlpMax, kPackageEngineError);
  }
  return Ok();
}

Result<std::unique_ptr<const Package>> LoadPackage(const std::string& id, const GetBlob& get,
                                                   const EngineOptions& options) {
  const Json manifest = SW_TRY(Json::Parse(SW_TRY(FetchManifest(id, get))));
  SW_TRY(CheckManifestFormat(manifest));
  auto package = std::make_unique<Package>();
  package->id_ = id;
  package->content_ = SW_TRY(ReadContent(manifest, get));
  package->engine_ = SW_TRY(Compile(package->content_, options));
  SW_TRY(CheckInputs(package->content_, *package->engine_));
  SW_TRY(package->ReplayGolden());
  return package;
}

}  // namespace sw::model
