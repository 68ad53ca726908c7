// WorkerProcess: a program that is not ours, kept running, that answers messages over a Unix socket.
// For a program that runs once to its end use RunChild (child_process.h).
//
//   auto worker = SW_TRY(WorkerProcess::Start({.argv = {python, "-I", script}, .has_network = false}));
//   Message ready = SW_TRY(worker->Receive(30 * kSecondUs));
//   Message answer = SW_TRY(worker->Exchange({kScore, bytes}, 5 * kSecondUs));
//
// The program finds the socket as descriptor 3. A message is a kind (4 bytes) and a length (8 bytes),
// little-endian, then so many bytes. What it writes to its standard streams is drained all the time;
// the end of it goes into errors. It gets its own process group, only the environment given, a
// memory limit and, unless told otherwise, no network, and dies with its owner.
//
// After any error the conversation is broken: stop it and start another. One owner.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace sw::base {

struct WorkerSpec {
  std::vector<std::string> argv;  // argv[0] is a path
  std::vector<std::pair<std::string, std::string>> env = {};
  std::string folder = {};                       // working folder, empty: inherit
  std::uint64_t memory_bytes_max = 4ull << 30;    // address space
  std::uint64_t message_bytes_max = 256ull << 20;  // of what it answers
  bool has_network = false;
  std::stop_token stop = {};  // when it is asked for, whoever waits for the program is told within kStopMs
};

struct Message {
  std::uint32_t kind = 0;
  std::string bytes;
  bool operator==(const Message&) const = default;
};

class WorkerProcess {
 public:
  static constexpr int kStopMs = 50;

  // NOT_FOUND or INVALID_ARGUMENT when it cannot start, PERMISSION_DENIED when the system gives no
  // network namespace and none may be shared.
  static Result<std::unique_ptr<WorkerProcess>> Start(WorkerSpec spec);
  ~WorkerProcess();  // kills it with its group

  // DEADLINE_EXCEEDED after `time_max`, RESOURCE_EXHAUSTED for an answer above message_bytes_max,
  // UNAVAILABLE when it went away (how it ended, and its last words), or by the stop token.
  Result<Message> Exchange(const Message& request, DurationUs time_max);
  int id() const;  // of the process
  // The next message that it sends unasked.
  Result<Message> Receive(DurationUs time_max);

 private:
  class Keeper;
  explicit WorkerProcess(WorkerSpec spec);

  Status Send(const Message& message, std::int64_t deadline_ns);
  Result<Message> ReceiveUntil(std::int64_t deadline_ns);
  Status Transfer(bool is_send, char* bytes, std::size_t count, std::int64_t deadline_ns);
  std::unexpected<Error> Broken(ErrorCode code, std::string what);

  WorkerSpec spec_;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace sw::base
