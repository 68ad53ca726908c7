// Admission: how many requests and rows may be in flight at once.
//
//   Admission::Ticket ticket = SW_TRY(admission.Admit(rows));   // leaves when it is destroyed
//
// Thread-safe. A ticket has one owner, and may be destroyed on any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>

#include "base/counters.h"
#include "base/result.h"
#include "serve/endpoint.h"

namespace sw::serve {

class Admission {
 public:
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Admission* admission, std::size_t rows) : admission_(admission), rows_(rows) {}
    Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)), rows_(other.rows_) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(admission_, other.admission_);
      std::swap(rows_, other.rows_);
      return *this;
    }
    ~Ticket() {
      if (admission_ != nullptr) admission_->Leave(rows_);
    }

   private:
    Admission* admission_ = nullptr;
    std::size_t rows_ = 0;
  };

  // `prefix` begins the limits' names.
  Admission(std::size_t requests_max, std::size_t rows_max, base::Counters& counters, std::string prefix = "");

  // RESOURCE_EXHAUSTED names the limit, and counts. A single request may exceed rows_max when it is
  // alone, so that every request that is small enough for its own limit is served some time. Those of low
  // priority may fill half, so that they are turned away first.
  Result<Ticket> Admit(std::size_t rows, Priority priority = Priority::kNormal);
  void WaitUntilEmpty();

 private:
  void Leave(std::size_t rows);

  const std::size_t requests_max_, rows_max_;
  const std::string prefix_;
  base::Counter& refused_requests_;
  base::Counter& refused_rows_;
  base::Counter& in_flight_;
  std::mutex mutex_;
  std::condition_variable empty_;
  std::size_t requests_ = 0, rows_ = 0;
};

}  // namespace sw::serve
