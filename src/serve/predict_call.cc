#include "serve/predict_call.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/errors.h"
#include "base/trace_context.h"
#include "serve/counter_names.h"
#include "serve/request_rows.h"
#include "serve/shadow_work.h"
#include "serve/split.h"

namespace sw::serve {
namespace {

ServedAs ServedBy(const Arm& arm, const Arm* pinned) {
  if (pinned != nullptr) return ServedAs::kPinned;
  return arm.mode == ArmMode::kCanary ? ServedAs::kCanary : ServedAs::kLive;
}

std::string JoinVersions(const EndpointSnapshot& snapshot) {
  std::string text;
  for (const Arm& arm : snapshot.arms) text += (text.empty() ? "" : ", ") + std::to_string(arm.version);
  return text;
}

}  // namespace

PredictCall::PredictCall(ServeCore& core, std::shared_ptr<const LiveEndpoint> endpoint, PredictRequest request,
                         PredictCallback done)
    : core_(core), endpoint_(std::move(endpoint)), request_(std::move(request)), done_(std::move(done)),
      begin_ns_(base::MonotonicNs()) {}

PredictCall::~PredictCall() {
  if (done_) Fail(Unavailable("the prediction was dropped before its answer; retry").error());
}

void PredictCall::Run(ServeCore& core, std::shared_ptr<const LiveEndpoint> endpoint, PredictRequest request,
                      PredictCallback done) {
  Owned call(new PredictCall(core, std::move(endpoint), std::move(request), std::move(done)));
  if (Status status = call->Prepare(); !status) return call->Fail(std::move(status).error());
  const std::string& service = call->endpoint_->snapshot.service;
  if (service.empty()) {
    call->features_ = call->inputs_;
    return ScoreOrQueue(std::move(call));
  }
  const FeatureRead read{.service = service, .rows = *call->inputs_, .time = call->request_.time};
  core.features->Read(read, [call = std::move(call)](Result<ReadFeatures> read_features) mutable {
    TakeFeatures(std::move(call), std::move(read_features));
  });
}

Status PredictCall::Prepare() {
  const EndpointSnapshot& snapshot = endpoint_->snapshot;
  endpoint_->counters.requests.Add();
  rows_ = request_.rows.num_rows();
  if (rows_ == 0) return InvalidArgument("the request has no row; send at least one");
  const std::size_t weight = rows_ * snapshot.outputs->weight();
  if (weight > core_.limits.rows_per_request_max) {
    core_.refused_rows_per_request.Add();
    return InvalidArgument("limit rows_per_request_max: {} rows{}, at most {}; send fewer at a time", rows_,
                           weight == rows_ ? "" : fmt::format(" of {} outputs count as {}", snapshot.outputs->count, weight),
                           core_.limits.rows_per_request_max);
  }
  if (request_.unit.size() > kUnitBytesMax) {
    return InvalidArgument("the request's unit has {} bytes; at most {}", request_.unit.size(), kUnitBytesMax);
  }
  SW_TRY(CheckDeadline());
  SW_TRY(CheckIds(request_.ids, rows_));
  if (request_.version) {
    pinned_ = snapshot.FindVersion(*request_.version);
    if (pinned_ == nullptr) {
      return NotFound("endpoint \"{}\" has not loaded version {}; it has {}", snapshot.name, *request_.version,
                      JoinVersions(snapshot));
    }
  }
  const bool waits_apart = MayBlock() && endpoint_->own != nullptr;
  ticket_ = SW_TRY((waits_apart ? endpoint_->own->admission : core_.admission).Admit(weight, request_.priority));
  std::size_t ignored = 0;
  inputs_ = std::make_shared<const data::Batch>(SW_TRY(ConformRows(snapshot.request, std::move(request_.rows), ignored)));
  if (ignored > 0) endpoint_->counters.ignored_columns.Add(static_cast<std::int64_t>(ignored));
  if (request_.time == 0) request_.time = core_.clock.Now();
  request_id_ = core_.ids.NewUuid();
  ids_ = request_.ids.empty() ? RowIds(request_id_, rows_) : RowIds(std::move(request_.ids));
  if (!snapshot.unit_column.empty()) unit_column_ = inputs_->Find(snapshot.unit_column);
  return Ok();
}

Status PredictCall::CheckDeadline() const {
  if (request_.caller.deadline == 0 || core_.clock.Now() < request_.caller.deadline) return Ok();
  core_.refused_deadline.Add();
  return DeadlineExceeded("limit deadline: the time given ended at {}; nothing was scored or logged",
                          base::FormatTime(request_.caller.deadline));
}

void PredictCall::TakeFeatures(Owned call, Result<ReadFeatures> read) {
  if (!read) return call->Fail(std::move(read).error().Within("reading features"));
  if (read->features.num_rows() != call->rows_) {
    return call->Fail(Internal("service {} answered {} rows of features for {}", call->endpoint_->snapshot.service,
                               read->features.num_rows(), call->rows_).error());
  }
  call->features_ = std::make_shared<const data::Batch>(std::move(read->features));
  call->read_ = std::move(read->read);
  ScoreOrQueue(std::move(call));
}

void PredictCall::ScoreOrQueue(Owned call) {
  ServeCore& core = call->core_;
  const LiveEndpoint& endpoint = *call->endpoint_;
  call->ready_ns_ = base::MonotonicNs();
  if (endpoint.cache() != nullptr) {
    if (std::optional<Scored> scored = call->FromCache()) return FinishScored(std::move(call), *std::move(scored));
  }
  const auto cost_us = endpoint.row_cost_ns.load(std::memory_order_relaxed) *
                       static_cast<std::int64_t>(call->rows_) / base::kMillisecondUs;
  const QueuePolicy& policy = endpoint.snapshot.queue;
  const bool waits = cost_us > core.limits.inline_us_max || policy.concurrency_max > 0 || policy.max_delay_us > 0;
  base::Executor* threads = waits ? core.scoring : nullptr;
  if (call->MayBlock()) threads = endpoint.own != nullptr ? endpoint.own->threads.get() : core.scoring;
  if (threads == nullptr && policy.max_delay_us > 0) threads = &core.here;
  if (threads == nullptr) return Finish(std::move(call));
  Status status = call->endpoint_->queue().Add(call, core, *threads);
  if (status) return;
  core.refused_scoring_queue.Add();
  call->Fail(std::move(status).error());
}

void PredictCall::Refuse(Owned call, std::string_view limit) {
  RefusedBy(call->core_.counters, limit).Add();
  call->Fail(ResourceExhausted("limit {}: a request of priority {} made room for a more urgent one; retry later", limit,
                               PriorityName(call->request_.priority)).error());
}

bool PredictCall::MayBlock() const {
  return pinned_ != nullptr ? pinned_->package->blocks() : endpoint_->answers_block;
}

void PredictCall::Finish(Owned call) {
  if (Status status = call->CheckDeadline(); !status) return call->Fail(std::move(status).error());
  call->scoring_begins_ns_ = base::MonotonicNs();
  Result<Scored> scored = ScoreRows(*call->endpoint_, *call->features_, call->PickedArms(), call->pinned_ != nullptr);
  if (!scored) return call->Fail(std::move(scored).error());
  call->scoring_ends_ns_ = base::MonotonicNs();
  call->ToCache(*scored);
  call->endpoint_->MeasureCost(call->scoring_ends_ns_ - call->scoring_begins_ns_, call->rows_);
  FinishScored(std::move(call), *std::move(scored));
}

// Where one cannot be scored, each is scored alone, and it alone fails.
void PredictCall::FinishTogether(std::vector<Owned> calls) {
  if (calls.size() == 1) return Finish(std::move(calls[0]));
  const LiveEndpoint& endpoint = *calls[0]->endpoint_;
  const std::int64_t begin_ns = base::MonotonicNs();
  data::Batch features = *calls[0]->features_;
  std::vector<const Arm*> arms;
  for (const Owned& call : calls) {
    if (call != calls[0]) features.AppendAll(*call->features_);
    std::ranges::copy(call->PickedArms(), std::back_inserter(arms));
  }
  const Result<Scored> all = ScoreRows(endpoint, features, std::move(arms), calls[0]->pinned_ != nullptr);
  const std::int64_t end_ns = base::MonotonicNs();
  std::size_t from = 0;
  for (Owned& call : calls) {
    Status in_time = call->CheckDeadline();
    const std::size_t row = std::exchange(from, from + call->rows_);
    if (!in_time) {
      call->Fail(std::move(in_time).error());
    } else if (!all) {
      Finish(std::move(call));
    } else {
      call->scoring_begins_ns_ = begin_ns;
      call->scoring_ends_ns_ = end_ns;
      Scored own = all->Slice(row, call->rows_, endpoint.snapshot.outputs->count);
      call->ToCache(own);
      FinishScored(std::move(call), std::move(own));
    }
  }
  if (all) endpoint.MeasureCost(end_ns - begin_ns, features.num_rows());
}

std::string PredictCall::CacheKey(const Arm& arm, std::size_t row) const {
  std::string key(reinterpret_cast<const char*>(&arm.version), sizeof(arm.version));
  AppendCells(*inputs_, row, key);
  return key;
}

// Only when it has all of the request's rows.
std::optional<Scored> PredictCall::FromCache() {
  if (!CheckDeadline()) return std::nullopt;  // told where it is scored
  const std::size_t outputs = endpoint_->snapshot.outputs->count;
  scoring_begins_ns_ = ready_ns_;
  Scored scored{.scores = std::vector<double>(rows_ * outputs), .violations = std::vector<std::int64_t>(rows_), .arms = PickedArms()};
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::span<double> scores = std::span(scored.scores).subspan(row * outputs, outputs);
    if (endpoint_->cache()->Take(CacheKey(*scored.arms[row], row), scores)) continue;
    endpoint_->counters.cache_misses.Add(static_cast<std::int64_t>(rows_));
    return std::nullopt;
  }
  endpoint_->counters.cache_hits.Add(static_cast<std::int64_t>(rows_));
  scoring_ends_ns_ = base::MonotonicNs();
  return scored;
}

// Not what broke the contract, which is counted each time, nor what another arm answered in its stead.
void PredictCall::ToCache(const Scored& scored) {
  if (endpoint_->cache() == nullptr) return;
  const std::size_t outputs = endpoint_->snapshot.outputs->count;
  for (std::size_t row = 0; row < rows_; ++row) {
    if (scored.violations[row] != 0 || scored.arms[row] != picked_[row]) continue;
    endpoint_->cache()->Put(CacheKey(*picked_[row], row), std::span(scored.scores).subspan(row * outputs, outputs));
  }
}

// Logs before it answers, so that a Flush after the answer finds the record.
void PredictCall::FinishScored(Owned call, Scored scored) {
  PredictResult result = call->MakeResult(std::move(scored));
  const EndpointSnapshot& snapshot = call->endpoint_->snapshot;
  if (snapshot.is_durable) return AnswerWhenOnDisk(std::move(call), std::move(result));
  result.logged = snapshot.is_logged && call->core_.ring.Push(call->MakeRecord(result), LogRing::Priority::kPrediction);
  call->Answer(std::move(result));
}

// No loop waits: the ring's thread answers.
void PredictCall::AnswerWhenOnDisk(Owned call, PredictResult result) {
  LogRing& ring = call->core_.ring;
  LogRecord record = call->MakeRecord(result);
  result.logged = true;
  // Shared with the record, so that a refused one still has somebody to answer.
  const auto held = std::make_shared<std::pair<Owned, PredictResult>>(std::move(call), std::move(result));
  record.when_on_disk = [held](const Status& status) {
    if (status) return held->first->Answer(std::move(held->second));
    held->first->Fail(Unavailable("the prediction was scored, and its record is not on disk: {}; retry with the same id",
                                  status.error().message).error());
  };
  if (ring.Push(std::move(record), LogRing::Priority::kPrediction)) return;
  held->first->Fail(ResourceExhausted("limit log ring: too much waits for the logbook, and this endpoint is durable; retry later").error());
}

// Takes a place for the shadows before it answers, so that a Flush after the answer waits for them.
void PredictCall::Answer(PredictResult result) {
  auto work = std::make_unique<ShadowWork>(endpoint_, features_, request_.time, result);
  const std::size_t rows = work->rows();
  ShadowQueue& shadows = work->may_block() && endpoint_->own != nullptr ? endpoint_->own->shadows : core_.shadows;
  std::optional<ShadowQueue::Place> place = rows > 0 ? shadows.Begin(rows * endpoint_->snapshot.outputs->weight()) : std::nullopt;
  CountAnswer(result);
  std::exchange(done_, nullptr)(std::move(result));
  if (rows == 0) return;
  LogRing& ring = core_.ring;
  const bool queued = place && shadows.Submit(*std::move(place), [&ring, work = std::move(work)] { work->Run(ring); });
  if (!queued) endpoint_->counters.censored_queue.Add(static_cast<std::int64_t>(rows));
}

// A version's own rows; of a request that several answered, each has the whole time.
void PredictCall::CountAnswer(const PredictResult& result) const {
  const std::int64_t end_ns = base::MonotonicNs();
  endpoint_->counters.latency.Record(end_ns - begin_ns_);
  AnswerTimes times{.rows = 0,
                    .input_ns = ready_ns_ - begin_ns_,
                    .queue_ns = scoring_begins_ns_ - ready_ns_,
                    .score_ns = scoring_ends_ns_ - scoring_begins_ns_,
                    .output_ns = end_ns - scoring_ends_ns_};
  for (const VersionCounters& counters : endpoint_->versions) {
    times.rows = std::ranges::count(result.versions, counters.version);
    if (times.rows > 0) counters.NoteAnswer(times, core_.clock.Now());
  }
  Trace(result.versions.front(), std::nullopt, end_ns);
}

void PredictCall::Trace(std::int64_t version, std::optional<ErrorCode> error, std::int64_t end_ns) const {
  if (!core_.trace || !base::IsSampledTraceparent(request_.caller.trace)) return;
  core_.trace({.traceparent = request_.caller.trace,
               .endpoint = endpoint_->snapshot.name,
               .request_id = request_id_,
               .version = version,
               .rows = rows_,
               .error = error,
               .begin_ns = begin_ns_,
               .ready_ns = ready_ns_,
               .scoring_begins_ns = scoring_begins_ns_,
               .scoring_ends_ns = scoring_ends_ns_,
               .end_ns = end_ns});
}

void PredictCall::Fail(Error error) {
  const Arm& arm = pinned_ != nullptr ? *pinned_ : endpoint_->live;
  endpoint_->versions[static_cast<std::size_t>(&arm - endpoint_->snapshot.arms.data())].NoteFailure(base::MonotonicNs() - begin_ns_);
  core_.counters.Get("serve_errors_total", "Requests answered with an error, by code.",
                     {{"endpoint", endpoint_->snapshot.name}, {"code", std::string(base::ErrorCodeName(error.code))}}).Add();
  Trace(arm.version, error.code, base::MonotonicNs());
  std::exchange(done_, nullptr)(std::unexpected(std::move(error)));
}

std::string PredictCall::UnitOf(std::size_t row) const {
  if (unit_column_ != nullptr && !unit_column_->IsNull(row)) return unit_column_->ToText(row);
  return request_.unit.empty() ? ids_[row] : request_.unit;
}

// Once a call, however often it is scored: the rows without a unit are counted here.
const std::vector<const Arm*>& PredictCall::PickedArms() {
  if (!picked_.empty()) return picked_;
  if (request_.unit.empty()) {
    const std::size_t missing = unit_column_ == nullptr ? rows_ : unit_column_->null_count();
    if (missing > 0) endpoint_->counters.unit_missing_rows.Add(static_cast<std::int64_t>(missing));
  }
  picked_.assign(rows_, pinned_ != nullptr ? pinned_ : &endpoint_->live);
  if (pinned_ != nullptr || !endpoint_->has_canary) return picked_;
  for (std::size_t row = 0; row < rows_; ++row) {
    picked_[row] = PickArm(endpoint_->snapshot, SplitPoint(UnitOf(row), endpoint_->split_seed));
  }
  return picked_;
}

PredictResult PredictCall::MakeResult(Scored scored) const {
  const EndpointCounters& counters = endpoint_->counters;
  PredictResult result{.request_id = request_id_, .ids = ids_, .outputs = endpoint_->snapshot.outputs,
                       .scores = std::move(scored.scores), .decisions = {}, .versions = {}, .arms = {}, .violations = std::move(scored.violations)};
  if (result.outputs->count == 1) result.decisions.resize(rows_);
  result.versions.resize(rows_);
  result.arms.resize(rows_);
  std::int64_t by_arm[3] = {};
  for (std::size_t row = 0; row < rows_; ++row) {
    const Arm& arm = *scored.arms[row];
    const ServedAs served = ServedBy(arm, pinned_);
    if (!result.decisions.empty()) result.decisions[row] = result.scores[row] >= arm.threshold.value_or(endpoint_->snapshot.threshold);
    result.versions[row] = arm.version;
    result.arms[row] = served;
    ++by_arm[static_cast<std::size_t>(served)];
  }
  counters.live_rows.Add(by_arm[static_cast<std::size_t>(ServedAs::kLive)]);
  counters.canary_rows.Add(by_arm[static_cast<std::size_t>(ServedAs::kCanary)]);
  counters.pinned_rows.Add(by_arm[static_cast<std::size_t>(ServedAs::kPinned)]);
  return result;
}

LogRecord PredictCall::MakeRecord(const PredictResult& result) const {
  LogRecord record(endpoint_->PredictionsKind(features_->schema(), read_.schema()), request_.time, rows_);
  const std::int64_t latency_us = (base::MonotonicNs() - begin_ns_) / base::kMillisecondUs;
  for (std::size_t row = 0; row < rows_; ++row) {
    record.AppendText(result.ids[row]);
    record.AppendInt(result.versions[row]);
    record.AppendText(ServedAsName(result.arms[row]));
    for (const double score : result.ScoresOf(row)) record.AppendDouble(score);
    if (!result.decisions.empty()) record.AppendInt(result.decisions[row] ? 1 : 0);
    record.AppendText(UnitOf(row));
    record.AppendText(request_id_);
    record.AppendInt(result.violations[row]);
    record.AppendInt(latency_us);
    record.AppendCells(*inputs_, row);
    if (record.kind()->features_are_inputs) continue;
    record.AppendCells(*features_, row);
    if (read_.num_columns() > 0) record.AppendCells(read_, 0);
  }
  return record;
}

}  // namespace sw::serve
