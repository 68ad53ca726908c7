// ServerProcess: a `seaworthy serve` of this same program, started and stopped by the demo. One owner.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace sw::demo {

class ServerProcess {
 public:
  // `arguments` follow the program's name. Waits for the first line, which is the address.
  static Result<ServerProcess> Start(const std::vector<std::string>& arguments, const std::string& log_file);
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;
  ~ServerProcess();  // stops it

  const std::string& address() const { return address_; }  // "http://127.0.0.1:PORT"
  std::uint64_t PeakRssBytes() const;
  Status Stop();            // SIGTERM, and waits
  void Release() { pid_ = -1; }  // leaves it running
  pid_t pid() const { return pid_; }

 private:
  ServerProcess(pid_t pid, std::string address) : pid_(pid), address_(std::move(address)) {}
  pid_t pid_ = -1;
  std::string address_;
};

}  // namespace sw::demo
