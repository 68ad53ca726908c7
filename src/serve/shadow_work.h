// ShadowWork: what is scored after a response: all rows by each shadow arm, and a canary's rows by
// the live arm, so that the rollout compares both on the same rows.
//
// A value; Run is thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "serve/endpoints.h"
#include "serve/live_endpoint.h"
#include "serve/log_ring.h"

namespace sw::serve {

class ShadowWork {
 public:
  ShadowWork(std::shared_ptr<const LiveEndpoint> endpoint, std::shared_ptr<const data::Batch> features, TimeUs time,
             const PredictResult& result);
  std::size_t rows() const { return rows_; }  // to be scored; 0: nothing to do
  bool may_block() const;                     // a part may wait for another process
  void Run(LogRing& ring) const;

 private:
  struct Part {
    const Arm* arm;
    std::string_view logged_as;     // "shadow" or "live"
    std::vector<std::size_t> rows;  // empty: all
  };
  void RunPart(const Part& part, LogRing& ring) const;
  std::size_t RowsOf(const Part& part) const { return part.rows.empty() ? ids_.size() : part.rows.size(); }

  std::shared_ptr<const LiveEndpoint> endpoint_;
  std::shared_ptr<const data::Batch> features_;
  TimeUs time_ = 0;
  RowIds ids_;
  std::vector<Part> parts_;
  std::size_t rows_ = 0;
};

}  // namespace sw::serve
