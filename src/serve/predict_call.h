// PredictCall: one request on its way through the prediction path.
//
//   PredictCall::Run(core, endpoint, std::move(request), std::move(done));
//
// Steps: prepare (limits, ids, types) -> read features -> score -> log -> answer -> shadows. One
// owner at a time: a step hands the call on, to another thread where it must wait.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "serve/admission.h"
#include "serve/endpoints.h"
#include "serve/live_endpoint.h"
#include "serve/scoring.h"
#include "serve/serve_core.h"

namespace sw::serve {

class PredictCall {
 public:
  static void Run(ServeCore& core, std::shared_ptr<const LiveEndpoint> endpoint, PredictRequest request,
                  PredictCallback done);
  ~PredictCall();  // answers UNAVAILABLE when whoever had the call dropped it

  PredictCall(const PredictCall&) = delete;
  PredictCall& operator=(const PredictCall&) = delete;

  // For the queue that it waits in.
  const std::shared_ptr<const LiveEndpoint>& endpoint() const { return endpoint_; }
  const Arm* pinned() const { return pinned_; }
  Priority priority() const { return request_.priority; }
  std::size_t rows() const { return rows_; }
  // Both have the same columns, of the same endpoint and version.
  bool MayJoin(const PredictCall& other) const { return features_->schema() == other.features_->schema(); }
  // All of one endpoint and version. Each is answered as if it had been scored alone.
  static void FinishTogether(std::vector<std::unique_ptr<PredictCall>> calls);
  static void Refuse(std::unique_ptr<PredictCall> call, std::string_view limit);

 private:
  PredictCall(ServeCore& core, std::shared_ptr<const LiveEndpoint> endpoint, PredictRequest request,
              PredictCallback done);
  using Owned = std::unique_ptr<PredictCall>;

  Status Prepare();
  Status CheckDeadline() const;
  static void TakeFeatures(Owned call, Result<ReadFeatures> read);
  static void ScoreOrQueue(Owned call);
  bool MayBlock() const;
  static void Finish(Owned call);
  static void FinishScored(Owned call, Scored scored);
  std::optional<Scored> FromCache();
  void ToCache(const Scored& scored);
  std::string CacheKey(const Arm& arm, std::size_t row) const;
  static void AnswerWhenOnDisk(Owned call, PredictResult result);
  void Answer(PredictResult result);
  void Fail(Error error);

  const std::vector<const Arm*>& PickedArms();
  std::string UnitOf(std::size_t row) const;
  void CountAnswer(const PredictResult& result) const;
  void Trace(std::int64_t version, std::optional<ErrorCode> error, std::int64_t end_ns) const;
  PredictResult MakeResult(Scored scored) const;
  LogRecord MakeRecord(const PredictResult& result) const;

  ServeCore& core_;
  const std::shared_ptr<const LiveEndpoint> endpoint_;
  PredictRequest request_;
  PredictCallback done_;
  const std::int64_t begin_ns_;
  std::int64_t ready_ns_ = 0;  // to be scored
  std::int64_t scoring_begins_ns_ = 0, scoring_ends_ns_ = 0;
  Admission::Ticket ticket_;
  const Arm* pinned_ = nullptr;
  std::size_t rows_ = 0;
  std::string request_id_;
  RowIds ids_;
  std::vector<const Arm*> picked_;  // empty: not yet
  std::shared_ptr<const data::Batch> inputs_;
  const data::Column* unit_column_ = nullptr;  // of the inputs; nullptr: there is none
  std::shared_ptr<const data::Batch> features_;
  data::Batch read_;                    // what they are of, one row
};

}  // namespace sw::serve
