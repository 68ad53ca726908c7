#include "base/worker_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace sw::base {
namespace {

using testing::HasSubstr;

// Answers each message with itself, in the only interpreter that every Debian has.
constexpr const char* kPerl = "/usr/bin/perl";
constexpr const char* kPrelude =
    "open(my $s, '+<&=', 3) or die; binmode $s; select($s); $| = 1; select(STDOUT); "
    "sub get { my ($n) = @_; my $all = ''; while (length($all) < $n) { my $part; "
    "my $got = sysread($s, $part, $n - length($all)); exit 0 unless $got; $all .= $part } $all } "
    "sub take { my ($kind, $length) = unpack('VQ<', get(12)); return ($kind, get($length)) } "
    "sub answer { my ($kind, $bytes) = @_; my $all = pack('VQ<', $kind, length $bytes) . $bytes; "
    "while (length $all) { my $n = syswrite($s, $all); $all = substr($all, $n) } } ";

WorkerSpec Perl(const std::string& script) {
  return {.argv = {kPerl, "-e", kPrelude + script}, .memory_bytes_max = 1ull << 30, .has_network = true};
}

std::unique_ptr<WorkerProcess> Started(const WorkerSpec& spec) { return WorkerProcess::Start(spec).value(); }

TEST(WorkerProcess, ExchangesMessagesOfAnySize) {
  const auto worker = Started(Perl("while (1) { my ($kind, $bytes) = take(); answer($kind + 1, $bytes) }"));
  for (const std::size_t size : {0, 1, 5000, 5 << 20}) {
    const Message message{.kind = 7, .bytes = std::string(size, 'x')};
    EXPECT_EQ(worker->Exchange(message, kMinuteUs).value(), (Message{.kind = 8, .bytes = message.bytes}));
  }
}

TEST(WorkerProcess, TellsHowItEndedAndItsLastWords) {
  const auto exited = Started(Perl("take(); print STDERR 'oh no'; exit 3"))->Exchange({}, kMinuteUs).error();
  EXPECT_EQ(exited.code, ErrorCode::kUnavailable);
  EXPECT_THAT(exited.message, HasSubstr("exited with code 3"));
  EXPECT_THAT(exited.message, HasSubstr("its last words: oh no"));
  EXPECT_THAT(Started(Perl("take(); kill 9, $$; sleep 5"))->Exchange({}, kMinuteUs).error().message, HasSubstr("signal 9"));
}

TEST(WorkerProcess, NoticesThatItEndedBetweenMessages) {
  const auto worker = Started(Perl("exit 4"));
  const Error error = worker->Exchange({.kind = 1, .bytes = std::string(1 << 20, 'x')}, kMinuteUs).error();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("exited with code 4"));
}

TEST(WorkerProcess, StopsOneThatClosesItsChannelAndGoesOn) {
  const Error error = Started(Perl("take(); close $s; sleep 100"))->Exchange({}, kMinuteUs).error();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("closed its channel"));
}

TEST(WorkerProcess, StopsOneThatHangsInTime) {
  const std::int64_t before = MonotonicNs();
  for (const char* script : {"take(); sleep 100", "sleep 100", "take(); syswrite($s, 'abc'); sleep 100",
                             "take(); $SIG{TERM} = 'IGNORE'; while (1) { syswrite(STDERR, 'x' x 1000) }"}) {
    const Error error = Started(Perl(script))->Exchange({.kind = 1, .bytes = std::string(1 << 20, 'x')}, 150 * kMillisecondUs).error();
    EXPECT_EQ(error.code, ErrorCode::kDeadlineExceeded) << script;
  }
  EXPECT_LT(MonotonicNs() - before, 10'000'000'000);
}

TEST(WorkerProcess, IsGivenUpWhenAStopIsAskedFor) {
  std::stop_source stop;
  for (const char* script : {"take(); sleep 100", "sleep 100"}) {
    WorkerSpec spec = Perl(script);
    spec.stop = stop.get_token();
    const auto worker = Started(spec);
    std::jthread asking([&] { stop.request_stop(); });
    const Error error = worker->Exchange({.kind = 1, .bytes = std::string(1 << 20, 'x')}, 1000 * kMinuteUs).error();
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_THAT(error.message, HasSubstr("was stopped before it answered"));
  }
}

TEST(WorkerProcess, StopsOneThatTrickles) {
  const auto worker = Started(Perl("take(); syswrite($s, pack('VQ<', 1, 1e6)); while (1) { syswrite($s, 'x'); select(undef, undef, undef, 0.01) }"));
  EXPECT_EQ(worker->Exchange({}, 150 * kMillisecondUs).error().code, ErrorCode::kDeadlineExceeded);
}

TEST(WorkerProcess, RefusesAnAnswerAboveTheLimitBeforeItReadsIt) {
  WorkerSpec spec = Perl("take(); syswrite($s, pack('VQ<', 1, 2**63)); sleep 100");
  spec.message_bytes_max = 1000;
  const Error error = Started(spec)->Exchange({}, kMinuteUs).error();
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(error.message, HasSubstr("message_bytes_max"));
}

TEST(WorkerProcess, DrainsWhatItPrintsBetweenMessages) {
  const auto worker = Started(Perl("answer(1, ''); print 'x' x 1000000; print STDERR 'y' x 1000000; take(); answer(2, '')"));
  EXPECT_EQ(worker->Receive(kMinuteUs)->kind, 1U);
  EXPECT_EQ(worker->Exchange({}, kMinuteUs)->kind, 2U);
}

TEST(WorkerProcess, OutlivesTheThreadThatStartedIt) {
  std::unique_ptr<WorkerProcess> worker;
  std::thread([&] { worker = Started(Perl("while (1) { my ($kind, $bytes) = take(); answer($kind, $bytes) }")); }).join();
  EXPECT_TRUE(worker->Exchange({.kind = 1, .bytes = "x"}, kMinuteUs));
}

TEST(WorkerProcess, DiesWithItsOwnerAndItsChildren) {
  auto worker = Started(Perl("my $pid = fork(); if (!$pid) { sleep 100; exit } take(); answer(1, $pid); sleep 100"));
  const int pid = std::stoi(worker->Exchange({}, kMinuteUs)->bytes);
  worker.reset();
  // The orphan is reaped by init: gone, or a zombie.
  std::string state = "gone";
  for (const std::int64_t end = MonotonicNs() + 5'000'000'000; MonotonicNs() < end;) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name;
    state = "gone";
    stat >> number >> name >> state;
    if (state == "gone" || state == "Z") break;
    std::this_thread::yield();
  }
  EXPECT_TRUE(state == "gone" || state == "Z") << state;
}

TEST(WorkerProcess, HasNoNetworkUnlessTold) {
  WorkerSpec spec = Perl("take(); open(my $f, '<', '/proc/self/net/dev'); answer(1, join(' ', map { /(\\w+):/ ? $1 : () } <$f>))");
  spec.has_network = false;
  auto worker = WorkerProcess::Start(spec);
  if (!worker) {  // a sandbox that has no namespaces
    EXPECT_EQ(worker.error().code, ErrorCode::kPermissionDenied);
    return;
  }
  EXPECT_EQ((*worker)->Exchange({}, kMinuteUs)->bytes, "lo");
}

TEST(WorkerProcess, KeepsTheMemoryLimit) {
  WorkerSpec spec = Perl("take(); my $x = 'x' x 1_000_000_000; answer(1, '')");
  spec.memory_bytes_max = 200u << 20;
  EXPECT_EQ(Started(spec)->Exchange({}, kMinuteUs).error().code, ErrorCode::kUnavailable);
}

TEST(WorkerProcess, GivesItOnlyItsChannel) {
  const int leak = dup(STDERR_FILENO);  // without O_CLOEXEC
  const auto worker = Started(Perl("take(); opendir(my $d, '/proc/self/fd'); answer(1, join(' ', sort { $a <=> $b } grep { /\\d/ && -e \"/proc/self/fd/$_\" } readdir $d))"));
  EXPECT_EQ(worker->Exchange({}, kMinuteUs)->bytes, "0 1 2 3 4");  // 4 is the folder being read
  close(leak);
}

TEST(WorkerProcess, SaysWhyItCannotStart) {
  EXPECT_EQ(WorkerProcess::Start({.argv = {"/no/such"}, .has_network = true}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(WorkerProcess::Start({.argv = {}}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace sw::base
