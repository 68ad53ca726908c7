#include "base/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace sw::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ChildSpec Shell(std::string script) { return {.argv = {"/bin/sh", "-c", std::move(script)}, .env = {}, .folder = {}, .input = {}, .on_stderr_line = {}}; }

TEST(ChildProcess, StopsAChildThatRunsTooLongAndItsChildren) {
  ChildSpec spec = Shell("echo started >&2; /bin/sleep 100 & /bin/sleep 100");
  spec.time_max = 200 * kMillisecondUs;
  const std::int64_t before = MonotonicNs();
  const Error error = RunChild(spec).error();
  EXPECT_EQ(error.code, ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(error.message, HasSubstr("started"));
  EXPECT_LT(MonotonicNs() - before, 5'000'000'000);
}

TEST(ChildProcess, StopsAChildThatNeverStopsWriting) {
  ChildSpec spec = Shell("while :; do echo 0123456789012345678901234567890123456789; done");
  spec.time_max = 300 * kMillisecondUs;
  spec.output_bytes_max = 1000;
  EXPECT_EQ(RunChild(spec).error().code, ErrorCode::kDeadlineExceeded);
}

TEST(ChildProcess, DoesNotWaitForWhatTheChildLeftRunning) {
  const std::int64_t before = MonotonicNs();
  EXPECT_EQ(RunChild(Shell("/bin/sleep 100 & echo done")).value().output, "done\n");
  EXPECT_LT(MonotonicNs() - before, 5'000'000'000);
}

TEST(ChildProcess, DropsOutputPastTheLimitAndSaysSo) {
  ChildSpec spec = Shell("/usr/bin/head -c 3000000 /dev/zero; echo end >&2");
  spec.output_bytes_max = 1000;
  const ChildResult result = RunChild(spec).value();
  EXPECT_EQ(result.output.size(), 1000u);
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.errors, "end\n");
}

TEST(ChildProcess, KeepsTheMemoryLimit) {
  ChildSpec spec = Shell("ulimit -v");
  spec.memory_bytes_max = 512u << 20;
  EXPECT_EQ(RunChild(spec).value().output, "524288\n");
}

TEST(ChildProcess, GivesOnlyTheEnvironmentGiven) {
  ChildSpec spec = Shell("/usr/bin/env | /usr/bin/sort");
  spec.env = {{"SEED", "7"}};
  const std::string output = RunChild(spec).value().output;
  EXPECT_THAT(output, HasSubstr("SEED=7\n"));
  EXPECT_THAT(output, testing::Not(HasSubstr("HOME=")));
}

TEST(ChildProcess, PassesInputLargerThanAPipe) {
  ChildSpec spec = Shell("/usr/bin/wc -c");
  spec.input = std::string(1 << 20, 'x');
  EXPECT_THAT(RunChild(spec).value().output, HasSubstr("1048576"));
}

TEST(ChildProcess, TellsExitCodesSignalsAndLines) {
  std::vector<std::string> lines;
  ChildSpec spec = Shell("printf 'one\\ntwo' >&2; exit 3");
  spec.on_stderr_line = [&](std::string_view line) { lines.emplace_back(line); };
  const ChildResult result = RunChild(spec).value();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_GT(result.peak_rss_bytes, 0u);
  EXPECT_THAT(lines, ElementsAre("one", "two"));
  EXPECT_EQ(RunChild(Shell("kill -9 $$")).value().exit_code, 137);
}

TEST(ChildProcess, SaysWhyItCannotStart) {
  ChildSpec spec = Shell("");
  spec.argv = {"/no/such/program"};
  EXPECT_EQ(RunChild(spec).error().code, ErrorCode::kNotFound);
  spec.argv = {"/etc/passwd"};
  EXPECT_EQ(RunChild(spec).error().code, ErrorCode::kInvalidArgument);
  spec.argv = {};
  EXPECT_EQ(RunChild(spec).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace sw::base
