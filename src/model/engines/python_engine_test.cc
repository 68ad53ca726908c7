#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "base/errors.h"
#include "base/files.h"
#include "data/arrow_stream.h"
#include "model/engines/python_fakes.h"
#include "model/map_blobs.h"
#include "model/package.h"

namespace sw::model {
namespace {

using testing::HasSubstr;

TEST_F(PythonEngineTest, ScoresByTheProcess) {
  const auto engine = MakeFake("ready(); echo() while 1;").value();
  EXPECT_EQ(engine->inputs(), std::vector<std::string>{"x"});
  EXPECT_EQ(engine->exactness(), Exactness::kEngine);
  EXPECT_TRUE(engine->blocks());
  for (const std::size_t rows : {1, 3, 100'000}) {
    const auto scores = Scores(*engine, rows).value();
    for (std::size_t r = 0; r < rows; ++r) ASSERT_EQ(scores[r], static_cast<double>(r) / 2);
  }
  EXPECT_TRUE(Scores(*engine, 0));
  EXPECT_EQ(engine->Score(data::Batch(data::Schema{{{"y", data::Type::kFloat64}}}), Output::kRaw, {}).error().code, ErrorCode::kUnimplemented);
}

// By the process that will answer requests, which writes down how long what it was asked is.
TEST_F(PythonEngineTest, APackageHasScoredItsGoldenRowsTogetherAndOneAloneBeforeAnybodyHasIt) {
  WriteFake("ready(); open(my $log, '>', '" + root_ + "/asked'); $log->autoflush(1);\n"
            "while (1) { my ($kind, $bytes) = take(); print $log length($bytes), ' '; answer($kind & ~15 | 2, $bytes) }");
  PackageContent content;
  content.format = "python";
  content.model = fmt::format(R"({{"python": {{"environment": "fake", "folder": "m", "content": "{}"}}}})", FolderHash(root_ + "/models/m").value());
  content.inputs = {"x"};
  content.golden.inputs = Rows(kGoldenRowsMin).Select({"x"}).value();
  for (std::size_t r = 0; r < kGoldenRowsMin; ++r) content.golden.expected.push_back(static_cast<double>(r) / 2);
  content.golden.from = "perl";
  const auto package = LoadInMemory(content, {.onnxruntime = {}, .columns = {}, .python = host_});
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_TRUE((*package)->is_verified());
  const auto bytes = [&](std::size_t rows) { return data::EncodeArrowStream(Rows(rows).Select({"x"}).value()).value().size(); };
  const auto asked = base::ReadFile(root_ + "/asked", 1000).value();
  EXPECT_EQ(asked, fmt::format("{} {} ", bytes(kGoldenRowsMin), bytes(1)));
}

TEST_F(PythonEngineTest, SaysWhatItsProcessHoldsInMemory) {
  const auto engine = MakeFake("ready(); echo() while 1;").value();
  EXPECT_GT(engine->memory_bytes(), 100u << 10);  // what an interpreter of Perl has for itself
  EXPECT_LT(engine->memory_bytes(), 200u << 20);
  const auto gone = MakeFake("ready(); exit 1;").value();
  EXPECT_FALSE(Scores(*gone, 1));
  EXPECT_LT(gone->memory_bytes(), 100u << 10);
}

TEST_F(PythonEngineTest, IsOffUntilTheConfigurationAllowsIt) {
  const PythonModel model{.environment = "fake", .folder = "m"};
  const Error off = MakePythonEngine(model, nullptr).error();
  EXPECT_EQ(off.code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(off.message, HasSubstr("[python]"));
  EXPECT_EQ(MakePythonEngine(model, std::make_shared<PythonHost>()).error(), off);
}

TEST_F(PythonEngineTest, RunsOnlyEnvironmentsAndFoldersThatAreNamed) {
  const auto denied = [&](const std::string& environment, const std::string& folder) {
    const auto engine = MakePythonEngine({.environment = environment, .folder = folder, .content = std::string(64, 'a')}, host_);
    EXPECT_FALSE(engine.has_value());
    EXPECT_EQ(engine.error().code, ErrorCode::kPermissionDenied) << folder << ": " << engine.error().message;
    return engine.error().message;
  };
  EXPECT_THAT(denied("other", "m"), HasSubstr("fake, real"));
  fs::create_directories(root_ + "/outside");
  fs::create_directory_symlink(root_ + "/outside", root_ + "/models/link");
  Write("models/file", "");
  for (const std::string folder : {"../outside", "/etc", "link", "m/../../outside", "absent", "file"}) {
    EXPECT_THAT(denied("fake", folder), HasSubstr("python.folders")) << folder;
  }
  denied("fake", root_ + "/models-beside");
}

TEST_F(PythonEngineTest, RefusesAFolderThatChanged) {
  Write("models/m/code.py", "x = 1");
  const std::string hash = FolderHash(root_ + "/models/m").value();
  const auto engine = MakeFake("ready(); echo(); exit 1;").value();
  ASSERT_TRUE(Scores(*engine, 1));
  Write("models/m/__pycache__/code.pyc", "does not count");
  EXPECT_EQ(FolderHash(root_ + "/models/m").value(), hash);
  Write("models/m/code.py", "x = 2");
  const Error error = MakePythonEngine({.environment = "fake", .folder = "m", .content = hash}, host_).error();
  EXPECT_EQ(error.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(error.message, HasSubstr("has changed"));
  EXPECT_THAT(MakePythonEngine({.environment = "fake", .folder = "m"}, host_).error().message, HasSubstr("add \"content\": \""));
  // Nor does a process start again from it.
  EXPECT_EQ(Scores(*engine, 1).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(clock_->AdvanceTo(clock_->Now() + base::kSecondUs));
  EXPECT_THAT(Scores(*engine, 1).error().message, HasSubstr("has changed"));
  fs::create_symlink("/etc/passwd", root_ + "/models/m/link");
  EXPECT_EQ(FolderHash(root_ + "/models/m").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(PythonEngineTest, ACrashIsAnErrorOfItsOwnRequestAndStartsAgainLater) {
  const auto engine = MakeFake("ready(); echo(); take(); print STDERR 'segmentation'; kill 11, $$; sleep 9;").value();
  ASSERT_TRUE(Scores(*engine, 1));
  const Error crash = Scores(*engine, 1).error();
  EXPECT_EQ(crash.code, ErrorCode::kUnavailable);
  EXPECT_THAT(crash.message, HasSubstr("signal 11"));
  EXPECT_THAT(crash.message, HasSubstr("segmentation"));
  const Error down = Scores(*engine, 1).error();
  EXPECT_EQ(down.code, ErrorCode::kUnavailable);
  EXPECT_THAT(down.message, HasSubstr("down until 1972-09-27T00:00:01Z after 1 failures"));
  ASSERT_TRUE(clock_->AdvanceTo(clock_->Now() + base::kSecondUs));
  EXPECT_TRUE(Scores(*engine, 1));
}

TEST_F(PythonEngineTest, EachFailureDoublesTheWait) {
  const auto engine = MakeFake("ready(); take(); exit 1;").value();
  for (const DurationUs wait : {1, 2, 4, 4}) {
    EXPECT_THAT(Scores(*engine, 1).error().message, HasSubstr("exited with code 1"));
    ASSERT_TRUE(clock_->AdvanceTo(clock_->Now() + wait * base::kSecondUs - 1));
    EXPECT_THAT(Scores(*engine, 1).error().message, HasSubstr("down until"));
    ASSERT_TRUE(clock_->AdvanceTo(clock_->Now() + 1));
  }
}

TEST_F(PythonEngineTest, AHangIsStoppedAndNobodyWaitsBehindItForLong) {
  host_->settings.call_time_max = 200 * base::kMillisecondUs;
  host_->settings.calls_waiting_max = 1;
  const auto engine = MakeFake("ready(); take(); sleep 100;").value();
  std::vector<std::future<ErrorCode>> calls;
  for (int i = 0; i < 6; ++i) {
    calls.push_back(std::async(std::launch::async, [&] { return Scores(*engine, 1).error().code; }));
  }
  std::map<ErrorCode, int> codes;
  for (auto& call : calls) ++codes[call.get()];
  EXPECT_EQ(codes[ErrorCode::kDeadlineExceeded], 1);  // the one that hung
  EXPECT_GE(codes[ErrorCode::kUnavailable], 1);       // those behind it learn that it is down
  EXPECT_EQ(codes[ErrorCode::kDeadlineExceeded] + codes[ErrorCode::kUnavailable] + codes[ErrorCode::kResourceExhausted], 6);
}

TEST_F(PythonEngineTest, NonsenseIsNeverAScore) {
  host_->settings.call_time_max = 5 * base::kSecondUs;
  host_->settings.answer_bytes_max = 1 << 20;
  const struct {
    const char* script;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {"my ($k) = take(); answer($k & ~15 | 2, 'no stream');", ErrorCode::kInternal, "its answer"},
      {"my ($k) = take(); answer($k & ~15 | 2, '');", ErrorCode::kInternal, "its answer"},
      {"my ($k) = take(); answer($k & ~15 | 2, \"\\xff\" x 5000);", ErrorCode::kInternal, "its answer"},
      {"my ($k, $b) = take(); substr($b, 100, 40) = \"\\xff\" x 40; answer($k & ~15 | 2, $b);", ErrorCode::kInternal, "its answer"},
      {"my ($k, $b) = take(); answer($k & ~15 | 9, $b);", ErrorCode::kInternal, "writes to its channel"},
      {"my ($k, $b) = take(); answer(($k + 16) & ~15 | 2, $b);", ErrorCode::kInternal, "writes to its channel"},
      {"my ($k, $b) = take(); answer($k & ~15 | 1, $b);", ErrorCode::kInternal, "writes to its channel"},
      {"take(); answer(2, 'x' x 2000000);", ErrorCode::kResourceExhausted, "message_bytes_max"},
      {"take(); syswrite($s, pack('VQ<', 2, 2**63));", ErrorCode::kResourceExhausted, "message_bytes_max"},
      {"take(); syswrite($s, 'abc'); exit 0;", ErrorCode::kUnavailable, "exited with code 0"},
      {"my ($k) = take(); answer($k & ~15 | 3, \"ValueError: \\x01 bad\");", ErrorCode::kFailedPrecondition, "raised ValueError:   bad"},
  };
  for (const auto& test : cases) {
    const auto engine = MakeFake(std::string("ready(); ") + test.script + " sleep 100;").value();
    const Error error = Scores(*engine, 3).error();
    EXPECT_EQ(error.code, test.code) << test.script << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr(test.message)) << test.script;
    EXPECT_THAT(error.message, HasSubstr("Python model m")) << test.script;
  }
}

TEST_F(PythonEngineTest, NothingStartsOnceTheServerStops) {
  std::stop_source stop;
  host_->stop = stop.get_token();
  const auto engine = MakeFake("ready(); echo() while 1;").value();
  ASSERT_TRUE(Scores(*engine, 1));
  stop.request_stop();
  EXPECT_THAT(Scores(*engine, 1).error().message, HasSubstr("the server is stopping"));
  EXPECT_EQ(MakeFake("ready(); echo() while 1;").error().code, ErrorCode::kUnavailable);
}

TEST_F(PythonEngineTest, AnAnswerForOtherRowsIsRefused) {
  // The first request's rows, as the answer to the second request.
  const auto engine = MakeFake("ready(); my ($k, $b) = take(); answer($k & ~15 | 2, $b); ($k) = take(); answer($k & ~15 | 2, $b);").value();
  ASSERT_TRUE(Scores(*engine, 2));
  EXPECT_THAT(Scores(*engine, 3).error().message, HasSubstr("2 rows of 1 predictions, where 3 of 1"));
}

TEST_F(PythonEngineTest, AModelThatCannotBeLoadedSaysWhy) {
  EXPECT_THAT(MakeFake("my ($k) = take(); answer($k & ~15 | 3, 'ModuleNotFoundError: mlflow');").error().message, HasSubstr("raised ModuleNotFoundError"));
  EXPECT_THAT(MakeFake("print STDERR 'no license'; exit 7;").error().message, HasSubstr("no license"));
  EXPECT_THAT(MakeFake("my ($k) = take(); answer($k & ~15 | 1, '{\"inputs\": null}'); sleep 9").error().message, HasSubstr("names the input columns"));
  EXPECT_THAT(MakeFake("my ($k) = take(); answer($k & ~15 | 1, '{\"inputs\": ['); sleep 9").error().code, ErrorCode::kInvalidArgument);
  host_->settings.start_time_max = 100 * base::kMillisecondUs;
  EXPECT_EQ(MakeFake("sleep 100;").error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace sw::model
