// ServeCore: what every prediction shares. Owned by Endpoints; all of it thread-safe.
#pragma once

#include "base/clock.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/ids.h"
#include "serve/admission.h"
#include "serve/blocking_pools.h"
#include "serve/delay_thread.h"
#include "serve/endpoints.h"
#include "serve/interfaces.h"
#include "serve/log_ring.h"
#include "serve/shadow_queue.h"

namespace sw::serve {

struct ServeCore {
  explicit ServeCore(const Endpoints::Options& options);

  const base::Clock& clock;
  base::Counters& counters;
  FeatureReader* const features;
  base::Executor* const scoring;
  const ServeLimits limits;
  const TracePrediction trace;
  base::Counter& refused_rows_per_request;
  base::Counter& refused_deadline;
  base::Counter& refused_scoring_queue;
  base::IdGenerator ids;
  Admission admission;
  LogRing ring;
  ShadowQueue shadows;
  BlockingPools blocking;
  base::InlineExecutor here;  // where there are no threads to score on
  DelayThread delays;
  const std::function<void(DurationUs, base::Executor::Task)> later;
};

}  // namespace sw::serve
