// Fakes and builders for this room's tests and benches. Each test owns its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/errors.h"
#include "base/executor.h"
#include "model/formats/linear.h"
#include "model/map_blobs.h"
#include "model/package.h"
#include "serve/endpoint.h"
#include "serve/endpoints.h"
#include "serve/interfaces.h"

namespace sw::serve {

// Keeps what was appended; refuses while told to.
class FakeLog final : public PredictionLog {
 public:
  Status Append(const std::string& stream, std::int64_t sequence, const LoggedRows& rows) override {
    const std::lock_guard lock(mutex_);
    if (refuse) return Unavailable("the disk is full");
    sequences.push_back(sequence);
    appended.emplace_back(stream, rows);
    return Ok();
  }
  std::size_t Rows(std::string_view stream) const {
    const std::lock_guard lock(mutex_);
    std::size_t rows = 0;
    for (const auto& [name, logged] : appended) rows += name == stream ? logged.num_rows() : 0;
    return rows;
  }

  Status Sync() override {
    const std::lock_guard lock(mutex_);
    ++syncs;
    if (refuse_sync) return Unavailable("the disk broke");
    return Ok();
  }

  bool refuse = false, refuse_sync = false;
  int syncs = 0;
  std::vector<std::int64_t> sequences;
  std::vector<std::pair<std::string, LoggedRows>> appended;

 private:
  mutable std::mutex mutex_;
};

// Queues tasks until RunAll; refuses beyond queue_max.
class FakeExecutor final : public base::Executor {
 public:
  Status Submit(Task task) override {
    if (tasks.size() >= queue_max) return ResourceExhausted("queue is full: fake");
    tasks.push_back(std::move(task));
    return Ok();
  }
  void RunAll() {
    while (!tasks.empty()) {
      Task task = std::move(tasks.front());
      tasks.pop_front();
      task();
    }
  }
  std::size_t queue_max = 1'000'000;
  std::deque<Task> tasks;
};

// Answers with what it was told to, and keeps whom to answer while told to hold.
class FakeFeatures final : public FeatureReader {
 public:
  void Read(const FeatureRead& read, FeaturesCallback done) override {
    services.push_back(read.service);
    times.push_back(read.time);
    if (!hold) return done(Made(read.rows));
    held.push_back(std::move(done));
    held_rows.push_back(read.rows);
  }
  void AnswerAll() {
    for (std::size_t i = 0; i < held.size(); ++i) held[i](Made(held_rows[i]));
    held.clear();
  }
  std::function<Result<data::Batch>(const data::Batch& rows)> make;
  bool hold = false;
  std::vector<std::string> services;
  std::vector<TimeUs> times;
  std::vector<FeaturesCallback> held;
  std::vector<data::Batch> held_rows;
  data::Batch read;  // what the features are of

 private:
  Result<ReadFeatures> Made(const data::Batch& rows) const { return ReadFeatures{SW_TRY(make(rows)), read}; }
};

inline std::vector<std::string> AllOf(const RowIds& ids) {
  std::vector<std::string> all;
  for (std::size_t row = 0; row < ids.size(); ++row) all.push_back(ids[row]);
  return all;
}

inline std::shared_ptr<const model::Package> MakePackage(const model::PackageContent& content) {
  return model::LoadInMemory(content).value();
}

// score = weight * delay + intercept; the contract wants delay in [-100, 100], without null, and
// origin EWR or JFK.
inline model::PackageContent DelayContent(double weight, double intercept) {
  model::PackageContent content;
  content.format = "linear";
  content.model = model::PrintLinear({.terms = {{"delay", 0, 1, weight}, {"origin", 0, 1, 0}},
                                      .intercept = intercept, .transform = model::Transform::kIdentity});
  content.inputs = {"delay", "origin"};
  content.encoding.categories["origin"] = {"EWR", "JFK"};
  content.contract.columns = {
      {.name = "delay", .type = data::Type::kFloat64, .nullable = false, .min = -100, .max = 100, .categories = {}},
      {.name = "origin", .type = data::Type::kString, .nullable = true, .min = {}, .max = {}, .categories = {"EWR", "JFK"}}};
  return content;
}

inline std::shared_ptr<const model::Package> DelayPackage(double weight, double intercept = 0) {
  return MakePackage(DelayContent(weight, intercept));
}

inline data::Schema DelaySchema() {
  return data::Schema{{{"tailnum", data::Type::kString}, {"delay", data::Type::kFloat64}, {"origin", data::Type::kString}}};
}

struct DelayRow {
  std::string tailnum;
  double delay = 0;
  std::string origin = "EWR";
};

inline data::Batch DelayRows(const std::vector<DelayRow>& rows) {
  data::Batch batch(DelaySchema());
  for (const DelayRow& row : rows) {
    batch.column(0).AppendString(row.tailnum);
    batch.column(1).AppendDouble(row.delay);
    batch.column(2).AppendString(row.origin);
  }
  return batch;
}

// Endpoint "late", split by tailnum: version 1 live, scoring 1 * delay.
inline EndpointSnapshot LateEndpoint() {
  EndpointSnapshot snapshot;
  snapshot.name = "late";
  snapshot.unit_column = "tailnum";
  snapshot.threshold = 15;
  snapshot.rollout_salt = "r1";
  snapshot.request = DelaySchema();
  snapshot.arms = {{.version = 1, .package = DelayPackage(1), .mode = ArmMode::kLive, .share = 0, .threshold = {}}};
  return snapshot;
}

inline Arm MakeArm(std::int64_t version, double weight, ArmMode mode, double share = 0) {
  return {.version = version, .package = DelayPackage(weight), .mode = mode, .share = share, .threshold = {}};
}

// LightGBM's text of one tree an output, with a leaf for a delay up to 10 and one for more.
inline std::string StumpsText(std::string_view objective, const std::vector<std::pair<double, double>>& leaves) {
  std::string text = fmt::format(
      "tree\nversion=v4\nnum_class={0}\nnum_tree_per_iteration={0}\nlabel_index=0\nmax_feature_idx=0\nobjective={1}\n"
      "feature_names=delay\nfeature_infos=[-100:100]\ntree_sizes=0\n\n",
      leaves.size(), objective);
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    text += fmt::format(
        "Tree={}\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=1\nthreshold=10\ndecision_type=2\nleft_child=-1\n"
        "right_child=-2\nleaf_value={} {}\nleaf_weight=1 1\nleaf_count=1 1\ninternal_value=0\ninternal_weight=2\n"
        "internal_count=2\nis_linear=0\nshrinkage=1\n\n\n",
        k, leaves[k].first, leaves[k].second);
  }
  return text + "end of trees\n";
}

inline model::PackageContent StumpsContent(std::string_view objective, const std::vector<std::pair<double, double>>& leaves) {
  model::PackageContent content;
  content.format = "lightgbm";
  content.model = StumpsText(objective, leaves);
  content.inputs = {"delay"};
  content.contract.columns = {
      {.name = "delay", .type = data::Type::kFloat64, .nullable = true, .min = -100, .max = 100, .categories = {}}};
  return content;
}

// Probabilities 0.5, 0.5 and 0 of three classes up to a delay of 10, and 0, 1 and 0 above it.
inline std::shared_ptr<const model::Package> ClassesPackage(std::vector<std::string> names = {"early", "on time", "late"}) {
  model::PackageContent content = StumpsContent("multiclass num_class:3", {{0, -800}, {0, 0}, {-800, -800}});
  content.output_names = std::move(names);
  return MakePackage(content);
}

// Two targets without names: 1.5 and -2 up to a delay of 10, and 2.5 and -3 above it.
inline std::shared_ptr<const model::Package> TargetsPackage() {
  return MakePackage(StumpsContent("regression", {{1.5, 2.5}, {-2, -3}}));
}

// Endpoint "late" with that package live.
inline EndpointSnapshot LateEndpoint(std::shared_ptr<const model::Package> package) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms[0].package = std::move(package);
  return snapshot;
}

// Endpoints over fakes, with what they count. Shadows wait in `shadow` until RunAll.
struct ServeFixture {
  base::ManualClock clock{1'000 * base::kSecondUs};
  base::Counters counters;
  FakeFeatures features;
  FakeLog log;
  FakeExecutor shadow;
  std::unique_ptr<Endpoints> endpoints;

  Endpoints::Options Options() {
    Endpoints::Options options{.clock = &clock, .counters = &counters, .features = &features, .log = &log, .shadow = &shadow};
    options.random = base::Random(1);
    options.ring.has_thread = false;
    return options;
  }
  explicit ServeFixture(const EndpointSnapshot& snapshot = LateEndpoint()) { Start(Options(), snapshot); }
  void Start(const Endpoints::Options& options, const EndpointSnapshot& snapshot) {
    endpoints = std::make_unique<Endpoints>(options);
    SW_CHECK(endpoints->Replace(snapshot).has_value(), "the fixture's endpoint");
  }
  ~ServeFixture() { shadow.RunAll(); }

  Result<PredictResult> Predict(PredictRequest request) {
    Result<PredictResult> answer = Internal("no answer");
    endpoints->Predict(std::move(request), [&](Result<PredictResult> result) { answer = std::move(result); });
    return answer;
  }
  std::int64_t Count(std::string_view name, const base::Labels& labels = {}) { return counters.Get(name, "", labels).Value(); }
  // All rows of a stream, after the shadows ran.
  std::vector<LoggedRows> Logged(std::string_view stream) {
    shadow.RunAll();
    SW_CHECK(endpoints->Flush().has_value(), "the fixture's log");
    std::vector<LoggedRows> rows;
    for (const auto& [name, logged] : log.appended) {
      if (name == stream) rows.push_back(logged);
    }
    return rows;
  }
};

}  // namespace sw::serve
