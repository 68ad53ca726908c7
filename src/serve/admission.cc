#include "serve/admission.h"

#include "base/errors.h"
#include "serve/counter_names.h"

namespace sw::serve {

Admission::Admission(std::size_t requests_max, std::size_t rows_max, base::Counters& counters, std::string prefix)
    : requests_max_(requests_max), rows_max_(rows_max), prefix_(std::move(prefix)),
      refused_requests_(RefusedBy(counters, prefix_ + "requests_in_flight_max")),
      refused_rows_(RefusedBy(counters, prefix_ + "rows_in_flight_max")),
      in_flight_(counters.Get("serve_requests_in_flight", "Prediction requests being answered.")) {}

Result<Admission::Ticket> Admission::Admit(std::size_t rows, Priority priority) {
  const std::size_t part = priority == Priority::kLow ? 2 : 1;
  {
    const std::lock_guard lock(mutex_);
    const bool requests_fit = requests_ < requests_max_ / part;
    const bool rows_fit = requests_ == 0 || rows_ + rows <= rows_max_ / part;
    if (requests_fit && rows_fit) {
      ++requests_;
      rows_ += rows;
      in_flight_.Add();
      return Ticket(this, rows);
    }
    if (requests_fit) {
      refused_rows_.Add();
      return ResourceExhausted("limit {}rows_in_flight_max: {} of {} rows are being scored; retry later", prefix_, rows_, rows_max_);
    }
  }
  refused_requests_.Add();
  return ResourceExhausted("limit {}requests_in_flight_max: {} requests are being answered; retry later", prefix_,
                           requests_max_);
}

void Admission::WaitUntilEmpty() {
  std::unique_lock lock(mutex_);
  empty_.wait(lock, [this] { return requests_ == 0; });
}

void Admission::Leave(std::size_t rows) {
  const std::lock_guard lock(mutex_);
  --requests_;
  rows_ -= rows;
  in_flight_.Add(-1);
  if (requests_ == 0) empty_.notify_all();  // under the lock: the waiter may destroy this at once
}

}  // namespace sw::serve
