#include "train/worker.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/errors.h"
#include "train/worker_job.h"

namespace sw::train {
namespace {

Result<std::string> ReadAll(int fd) {
  std::string bytes;
  std::array<char, 1u << 16> chunk{};
  while (true) {
    const ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unavailable("train worker: reading the job: {}", std::strerror(errno));
    if (got == 0) return bytes;
    bytes.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Unavailable("train worker: writing the model: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return Ok();
}

Status Work(int in_fd, int out_fd) {
  // The job's bytes go before LightGBM needs memory of its own.
  WorkerJob job = SW_TRY(DecodeJob(SW_TRY(ReadAll(in_fd))));
  const LightGbm library = SW_TRY(LightGbm::Load(job.library));
  const LightGbmJob lightgbm_job = SW_TRY(ToLightGbmJob(std::move(job)));
  const auto progress = [&](int done) {
    std::fputs(ProgressLine(done, lightgbm_job.rounds).c_str(), stderr);
  };
  return WriteAll(out_fd, EncodeAnswer(SW_TRY(library.Train(lightgbm_job, progress))));
}

}  // namespace

int TrainWorkerMain(int in_fd, int out_fd) {
  const Status done = Work(in_fd, out_fd);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return 1;
}

}  // namespace sw::train
