// What serving asks of the rest: features, a place to log, and packages. app implements them over
// the feature store, the logbook and the blobs, so that this room knows none of those.
//
//   class StoreFeatures final : public serve::FeatureReader {
//     void Read(const FeatureRead& read, FeaturesCallback done) override {
//       store_.ReadOnline(read.service, read.rows, read.time, std::move(done));
//     }
//   };
//
// Implementations are thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/batch.h"
#include "model/package.h"

namespace sw::serve {

struct ReadFeatures {
  data::Batch features;  // one row a request row, in order
  data::Batch read;      // one row: what the values are of, logged as "read.*" with each row. No columns: nothing
};

using FeaturesCallback = std::move_only_function<void(Result<ReadFeatures>)>;

struct FeatureRead {
  const std::string& service;
  const data::Batch& rows;  // entity keys and request inputs; lives until `done` was called
  TimeUs time;              // features as of this moment
};

class FeatureReader {
 public:
  virtual ~FeatureReader() = default;
  // Calls `done` exactly once, from any thread and perhaps before it returns.
  virtual void Read(const FeatureRead& read, FeaturesCallback done) = 0;
};

// What the logbook takes, without its header: see store::LogRows.
struct LoggedRows {
  std::vector<TimeUs> event_time;
  std::vector<std::string> id;
  data::Batch columns;
  std::size_t num_rows() const { return id.size(); }
};

class PredictionLog {
 public:
  virtual ~PredictionLog() = default;
  // `sequence` grows with every append of this process. An append that failed is repeated with the
  // same sequence and rows before any other, so that an idempotent log takes it once.
  virtual Status Append(const std::string& stream, std::int64_t sequence, const LoggedRows& rows) = 0;
  // Returns when all that was appended before the call is on disk.
  virtual Status Sync() = 0;
};

class PackageSource {
 public:
  virtual ~PackageSource() = default;
  // Loads and replays golden rows: slow, never called by a prediction.
  virtual Result<std::shared_ptr<const model::Package>> Load(const std::string& package_id) = 0;
};

}  // namespace sw::serve
