// Package: an immutable model. A manifest names its parts by content hash; the manifest's own hash
// is the package's id.
//
//   std::string id = SW_TRY(WritePackage(content, [&](auto bytes) { return blobs.Put(bytes); }));
//   auto package = SW_TRY(LoadPackage(id, [&](auto hash) { return blobs.ReadAll(hash); }));
//   SW_TRY(package->Score(rows, scores));
//
// Golden rows come from the original library and are replayed by every load, all together and then one alone, as
// requests come: a mismatch refuses it, and what an engine makes when it first scores is made before any request.
// With fewer than kGoldenRowsMin of them a package is unverified. Hostile input. Immutable: Score is thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/format_version.h"
#include "base/json.h"
#include "data/contract.h"
#include "data/profile.h"
#include "model/encoding.h"
#include "model/engine.h"
#include "model/golden_rows.h"
#include "model/load_need.h"
#include "model/model_file.h"

namespace sw::model {

inline constexpr int kPackageVersion = 1;
inline constexpr std::size_t kOutputNameBytesMax = 256;

struct PackageContent {
  std::string format;             // as MakeEngine() takes it
  std::string model;              // the model file's bytes; "" once a package is loaded: its engine has read them
  std::vector<std::string> inputs;  // columns in the model's order, as requests name them
  // What the predictions are called, where its maker said so: classes, targets; see Engine.
  std::vector<std::string> output_names = {};
  Encoding encoding;
  data::Contract contract;
  data::Profile profile;          // of the training set's inputs
  GoldenRows golden;              // may be empty: unverified
  std::string no_golden = {};     // why there are none, for people
  // Of a graph (format "graph"): the manifests and parts of the packages that its nodes name, by hash.
  std::map<std::string, std::string> members = {};
  Json report;                    // the evaluation's, null when there is none
  Json lineage;                   // training set, definition hashes, cuts, recipe, seed
};

using PutBlob = std::function<Result<std::string>(std::string_view bytes)>;
using GetBlob = std::function<Result<std::string>(std::string_view hash)>;
using SizeOfBlob = std::function<Result<std::uint64_t>(std::string_view hash)>;

// The id: 64 hex digits. Parts are written before the manifest.
Result<std::string> WritePackage(const PackageContent& content, const PutBlob& put);

class Package {
 public:
  const std::string& id() const { return id_; }
  const PackageContent& content() const { return content_; }
  bool is_verified() const { return unverified_.empty(); }
  // Why it is not verified; "" when it is.
  const std::string& unverified() const { return unverified_; }
  std::size_t golden_rows() const;
  Exactness exactness() const { return engine_->exactness(); }
  const Engine& engine() const { return *engine_; }
  bool blocks() const { return engine_->blocks(); }  // see Engine
  // The engine's, golden rows and all else that it came with.
  std::size_t memory_bytes() const;
  std::size_t outputs() const { return engine_->outputs(Output::kPrediction); }  // predictions a row
  // The content's, else the engine's. As many as outputs(), two of a binary classifier, or none.
  const std::vector<std::string>& output_names() const { return output_names_; }
  // The rows as the engine reads them.
  Result<data::Batch> Encoded(data::Batch rows) const;
  // Encodes and scores; `scores` has rows.num_rows() * engine().outputs(output) places.
  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const;
  // Predictions of a package of one output, a place a row. FAILED_PRECONDITION for any other.
  Status Score(const data::Batch& rows, std::span<double> scores) const;

 private:
  friend Result<std::unique_ptr<const Package>> LoadPackage(const std::string&, const GetBlob&, EngineOptions);
  Status ReplayGolden() const;
  Status ReplayGolden(Output output, std::span<const double> expected, std::size_t rows) const;

  std::string id_;
  PackageContent content_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> output_names_;
  std::string unverified_;
};

// The engine of a graph, whose nodes name packages. Each is loaded once, its golden rows replayed.
// INVALID_ARGUMENT names the node: what MakeGraphEngine() refuses, and a member that is a graph itself.
Result<std::unique_ptr<Engine>> LoadGraph(std::string_view graph, const GetBlob& get, const EngineOptions& options = {});

// What the package was written of. Does not ask whether its model can be scored.
Result<PackageContent> ReadPackage(const std::string& id, const GetBlob& get);

// FAILED_PRECONDITION unless the package predicts one number a row, as gates, rollouts and monitors need.
Status CheckOneOutput(const Package& package);

// Without loading it: whether the model, or a member, runs in a process of its own, which takes time to start.
Result<bool> RunsInAProcess(const std::string& id, const GetBlob& get);

// What LoadPackage() may take of memory, by the manifest and the sizes of its parts, members' included. Reads the
// model of a graph, and of ONNX, which does not otherwise say whether it holds trees, up to kOnnxReadBytesMax.
inline constexpr std::uint64_t kOnnxReadBytesMax = 256ull << 20;
Result<LoadNeed> NeedOf(const std::string& id, const GetBlob& get, const SizeOfBlob& size);

// DATA_LOSS when a part's bytes are not what its name says; FAILED_PRECONDITION when it is too new
// or a golden row differs (names the row, what was expected and what came out).
Result<std::unique_ptr<const Package>> LoadPackage(const std::string& id, const GetBlob& get,
                                                   EngineOptions options = {});

}  // namespace sw::model
