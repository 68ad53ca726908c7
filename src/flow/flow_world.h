// FlowWorld: a Flow on a folder of its own, with one endpoint that the test serves by itself. For tests;
// what fails here throws. One owner.
//
//   FlowWorld world;
//   world.GoLive(world.AddVersion(1));
//   for (int hour = 0; hour < 24; ++hour) world.Hour({});
//   world.Restart();
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/errors.h"
#include "base/random.h"
#include "flow/flow.h"
#include "flow/packages.h"
#include "monitor/incident.h"
#include "store/temp_folder.h"
#include "train/train.h"

namespace sw::flow {

class FakeServing final : public Serving {
 public:
  Status Publish(const EndpointPlan& plan) override {
    if (on_publish) on_publish(plan);
    if (publish_fails) return std::unexpected(Error(ErrorCode::kDataLoss, "the package is damaged"));
    plans.insert_or_assign(plan.definition.name, plan);
    return Ok();
  }
  Result<std::shared_ptr<const model::Package>> Load(const std::string& package_id) override { return Served(package_id); }
  void Explain(const std::string& endpoint, const Error& error) override { explained.insert_or_assign(endpoint, error.message); }
  Status Remove(const std::string& endpoint) override {
    plans.erase(endpoint);
    return Ok();
  }
  Status FlushLogs() override { return on_flush ? on_flush() : Ok(); }
  std::shared_ptr<const model::Package> Served(const std::string& package_id) const override {
    const auto found = served.find(package_id);
    return found == served.end() ? nullptr : found->second;
  }

  std::map<std::string, EndpointPlan> plans;
  std::map<std::string, std::string> explained;
  std::map<std::string, std::shared_ptr<const model::Package>> served;
  bool publish_fails = false;
  std::function<void(const EndpointPlan& plan)> on_publish;
  std::function<Status()> on_flush;
};

// What an hour brings: fifty requests, and their labels at its end.
struct HourOf {
  double pressure_scale = 1;  // a sensor that changes its unit
  bool is_inverted = false;   // the scores say the opposite of what comes
  bool is_labelled = true;
};

class FlowWorld {
 public:
  static constexpr int kRows = 50;

  explicit FlowWorld(const std::string& config = kConfig) : config_(config) { Open(); }

  static constexpr const char* kConfig = R"({
    "endpoint": {"late": {}, "other": {}},
    "rollout": {"late": {"endpoint": "late", "steps": ["shadow", "live"], "alpha": 0.2, "max_loss_increase": 0.03, "max_time": "90d"}},
    "monitor": {"late": {"endpoint": "late", "tolerance": 0.05, "alpha": 0.05, "block": "1h"}}})";

  Status Configure(const std::string& json) {
    config_ = json;
    const auto config = std::make_shared<const Config>(ParseConfig(Json::Parse(json).value()).value());
    features_->Replace(std::make_shared<const feature::Definitions>(config->features)).value();
    return flow_->Configure(config);
  }
  void Restart() {
    Close();
    Open();
  }

  // A version of model "late" that may serve: a logistic regression on 400 rows, drawn by the seed.
  std::int64_t AddVersion(std::uint64_t seed, const std::string& model = "late") {
    data::Batch table(Features());
    data::Column labels(data::Type::kFloat64);
    base::Random random(seed);
    for (int i = 0; i < 400; ++i) {
      AppendFeatures(table, random, 1);
      labels.AppendDouble(random.NextDouble() < Truth(table, table.num_rows() - 1, 1) ? 1 : 0);
    }
    model::PackageContent content = train::Train(table, labels, {.name = "late", .library = train::Library::kLogistic, .seed = seed}, {}).value();
    content.report = Json::Parse(R"({"brier": {"value": 0.2}})").value();
    const std::string id = model::WritePackage(content, [&](std::string_view bytes) { return data_->blobs().Put(bytes); }).value();
    const auto version = registry_->Register({}, {.model = model, .package_id = id}).value();
    flow_->Override({}, model, version.number, "a test").value();
    return version.number;
  }
  // A version that may serve and predicts two numbers a row.
  std::int64_t AddVersionOfTwoOutputs(const std::string& model) {
    model::PackageContent content;
    content.format = "lightgbm";
    content.inputs = {"pressure", "wind"};
    content.model =
        "tree\nversion=v4\nnum_class=2\nnum_tree_per_iteration=2\nlabel_index=0\nmax_feature_idx=1\nobjective=custom\n"
        "feature_names=pressure wind\ntree_sizes=0 0\n\nTree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=1\n\n"
        "Tree=1\nnum_leaves=1\nnum_cat=0\nleaf_value=2\n\nend of trees\n";
    const std::string id = model::WritePackage(content, [&](std::string_view bytes) { return data_->blobs().Put(bytes); }).value();
    const auto version = registry_->Register({}, {.model = model, .package_id = id}).value();
    flow_->Override({}, model, version.number, "a test").value();
    return version.number;
  }
  void GoLive(std::int64_t version) { flow_->GoLive({}, "late", version).value(); }

  // Serves, labels, lets the hour pass and looks.
  void Hour(const HourOf& hour) {
    const std::vector<std::string> ids = Serve(hour);
    Pass(base::kHourUs);
    if (hour.is_labelled) Label(ids, hour);
    flow_->RunDue(clock_.Now()).value();
  }
  void Pass(DurationUs time) { clock_.AdvanceTo(clock_.Now() + time).value(); }
  // As the endpoint's live arm would, and its shadow.
  std::vector<std::string> Serve(const HourOf& hour, const std::string& endpoint = "late") {
    const EndpointPlan& plan = serving_.plans.at(endpoint);
    base::Random random(static_cast<std::uint64_t>(clock_.Now()));
    data::Batch features(Features());
    truths_.clear();
    std::vector<std::string> ids;
    for (int i = 0; i < kRows; ++i) {
      AppendFeatures(features, random, hour.pressure_scale);
      truths_.push_back(Truth(features, features.num_rows() - 1, hour.pressure_scale));
      ids.push_back(fmt::format("{}-{}", clock_.Now() / base::kHourUs, i));
    }
    for (const ArmPlan& arm : plan.arms) {
      if (arm.mode == "live") Append("predictions/" + endpoint, ids, arm, features);
      if (arm.mode == "shadow") Append("shadow/" + endpoint, ids, arm, features);
    }
    return ids;
  }
  Result<Json> Label(const std::vector<std::string>& ids, const HourOf& hour, const std::string& producer = "", std::int64_t sequence = 0) {
    base::Random random(static_cast<std::uint64_t>(clock_.Now()));
    LabelBatch batch{.ids = ids, .labels = {}, .producer = producer, .sequence = sequence};
    for (std::size_t i = 0; i < ids.size(); ++i) {
      batch.labels.push_back((random.NextDouble() < truths_[i % truths_.size()]) != hour.is_inverted ? 1 : 0);
    }
    return flow_->AddLabels({}, "late", batch);
  }

  Flow& flow() { return *flow_; }
  FakeServing& serving() { return serving_; }
  base::ManualClock& clock() { return clock_; }
  base::Counters& counters() { return counters_; }
  store::DataFolder& data() { return *data_; }
  // From now on there is room for so many more packages.
  void LimitLoads(int loads) { loads_left_ = loads; }
  registry::Registry& registry() { return *registry_; }
  feature::FeatureStore& features() { return *features_; }
  // By id; all that was ever opened.
  std::map<std::string, monitor::Incident> Incidents() {
    std::map<std::string, monitor::Incident> incidents;
    const Json list = flow_->Incidents({}, "", "").value();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const monitor::Incident incident = monitor::Incident::FromJson(list.AsArray()[i]).value();
      incidents.emplace(incident.id, incident);
    }
    return incidents;
  }

 private:
  void Open() {
    data_ = store::DataFolder::Open(folder_ / "data", clock_, counters_, "test").value();
    features_ = feature::MakeFeatureStore(std::make_shared<const feature::Definitions>(), data_->logbook(), data_->online()).value();
    registry_ = registry::Registry::Open(data_->catalog(), clock_).value();
    tracker_ = track::Tracker::Open(data_->catalog(), clock_, ids_).value();
    tuner_ = EngineTuner::Open({.catalog = &data_->catalog(), .executor = &inline_, .clock = &clock_, .log = &log_,
                                .counters = &counters_, .cpu = "test"}).value();
    serving_.plans.clear();
    flow_ = Flow::Open({.data = data_.get(), .features = features_.get(), .registry = registry_.get(), .tracker = tracker_.get(),
                        .serving = &serving_, .clock = &clock_, .ids = &ids_, .log = &log_, .counters = &counters_, .train_worker = {}, .tables_folder = {}, .tuner = tuner_.get(), .loader = &loader_}).value();
    Configure(config_).value();
  }
  void Close() {
    flow_.reset();
    tuner_.reset();
    tracker_.reset();
    registry_.reset();
    features_.reset();
    data_.reset();
  }

  static data::Schema Features() { return {{{"pressure", data::Type::kFloat64}, {"wind", data::Type::kFloat64}}}; }
  static void AppendFeatures(data::Batch& batch, base::Random& random, double pressure_scale) {
    batch.column(0).AppendDouble((1000 + 30 * random.NextDouble()) * pressure_scale);
    batch.column(1).AppendDouble(20 * random.NextDouble());
  }
  static double Truth(const data::Batch& features, std::size_t row, double pressure_scale) {
    const double pressure = features.column(0).Double(row) / pressure_scale;
    return (pressure < 1010 ? 0.5 : 0.2) + (features.column(1).Double(row) > 10 ? 0.3 : 0);
  }
  void Append(const std::string& stream, const std::vector<std::string>& ids, const ArmPlan& arm, const data::Batch& features) {
    const auto package = Packages(data_->blobs()).Get(arm.package_id).value();
    const std::vector<double> scores = ScoreAll(*package, features).value();
    store::LogRows rows{.event_time = std::vector<TimeUs>(ids.size(), clock_.Now()), .id = ids, .columns = {}};
    data::Column versions(data::Type::kInt64), score(data::Type::kFloat64);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      versions.AppendInt(arm.version);
      score.AppendDouble(scores[i]);
    }
    rows.columns.AddColumn({"version", data::Type::kInt64}, std::move(versions));
    rows.columns.AddColumn({"score", data::Type::kFloat64}, std::move(score));
    for (std::size_t c = 0; c < features.num_columns(); ++c) {
      rows.columns.AddColumn({"x." + features.schema().fields[c].name, data::Type::kFloat64}, features.column(c));
    }
    data_->logbook().Declare({.name = stream}).value();
    data_->logbook().Append({.stream = stream, .producer = {}, .rows = std::move(rows)}, store::Durability::kBuffered).value();
  }

  store::TempFolder folder_;
  base::ManualClock clock_{base::ParseTime("2013-06-01").value()};
  base::Counters counters_;
  base::IdGenerator ids_{clock_, base::Random(7)};
  base::Logger log_ = base::Logger::Null(clock_);
  base::InlineExecutor inline_;
  static constexpr std::uint64_t kMemory = 1ull << 40;
  int loads_left_ = 1'000'000;
  model::MemoryBudget memory_{{.bytes_max = kMemory, .used = [this] { return loads_left_-- > 0 ? 0 : kMemory; }, .holders = {}, .counters = &counters_}};
  model::PackageLoader loader_{{.memory = &memory_, .drop_idle = [this] { flow_->DropIdlePackages(); }}};
  FakeServing serving_;
  std::string config_;
  std::vector<double> truths_;  // of what was served last: how likely each was to be late
  std::unique_ptr<store::DataFolder> data_;
  std::unique_ptr<feature::FeatureStore> features_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<track::Tracker> tracker_;
  std::unique_ptr<EngineTuner> tuner_;
  std::unique_ptr<Flow> flow_;
};

}  // namespace sw::flow
