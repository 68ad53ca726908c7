// What tests of the Python engine share: folders of environments and models, and an interpreter that
// answers as a test wants it to. One owner each.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "model/engines/python_engine.h"
#include "model/folder_hash.h"

namespace sw::model {

namespace fs = std::filesystem;

// An interpreter that answers as a test wants it to: everything that a hostile model can send.
inline constexpr const char* kFake =
    "#!/usr/bin/perl\n"
    "open(my $s, '+<&=', 3) or die; binmode $s;\n"
    "sub get { my ($n) = @_; my $all = ''; while (length($all) < $n) { my $part; my $got = sysread($s, $part, $n - length($all)); "
    "exit 0 unless $got; $all .= $part } $all }\n"
    "sub take { my ($kind, $length) = unpack('VQ<', get(12)); return ($kind, get($length)) }\n"
    "sub answer { my ($kind, $bytes) = @_; my $all = pack('VQ<', $kind, length $bytes) . $bytes; "
    "while (length $all) { my $n = syswrite($s, $all); $all = substr($all, $n) } }\n"
    "sub ready { my ($kind) = take(); answer($kind & ~15 | 1, '{\"inputs\": [\"x\"]}') }\n"
    "sub echo { my ($kind, $bytes) = take(); answer($kind & ~15 | 2, $bytes) }\n";

// A folder of environments and models, and a configuration that allows them.
class PythonEngineTest : public testing::Test {
 protected:
  PythonEngineTest() {
    fs::create_directories(root_ + "/models/m");
    host_->settings.environments = {{"fake", root_ + "/fake"}, {"real", std::string(SW_SOURCE_DIR) + "/.deps/venv"}};
    host_->settings.folders = {root_ + "/models"};
    host_->settings.allow_network = true;
    host_->settings.backoff = {.first = base::kSecondUs, .max = 4 * base::kSecondUs, .well = base::kMinuteUs};
  }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }

  void WriteFake(const std::string& script) {
    Write("fake/bin/python", kFake + script);
    fs::permissions(root_ + "/fake/bin/python", fs::perms::owner_all);
  }
  // The rest of the fake interpreter's script, after it was told what to load.
  Result<std::unique_ptr<Engine>> MakeFake(const std::string& script) {
    WriteFake(script);
    return Make({.environment = "fake", .folder = "m"});
  }
  Result<std::unique_ptr<Engine>> MakeReal(const std::string& code, std::vector<std::string> inputs = {"x"}, std::uint32_t outputs = 1) {
    Write("models/m/code.py", code);
    return Make({.environment = "real", .folder = "m", .entry = "code:Model", .content = {}, .inputs = std::move(inputs), .outputs = outputs});
  }
  Result<std::unique_ptr<Engine>> Make(PythonModel model) {
    if (model.content.empty()) model.content = FolderHash(root_ + "/models/m").value();
    return MakePythonEngine(model, host_);
  }

  static data::Batch Rows(std::size_t count) {
    data::Batch rows(data::Schema{{{"x", data::Type::kFloat64}, {"word", data::Type::kString}}});
    for (std::size_t r = 0; r < count; ++r) {
      rows.column(0).AppendDouble(static_cast<double>(r) / 2);
      rows.column(1).AppendString("w" + std::to_string(r));
    }
    return rows;
  }
  static Result<std::vector<double>> Scores(const Engine& engine, std::size_t rows) {
    std::vector<double> scores(rows * engine.outputs(Output::kPrediction));
    SW_TRY(engine.Score(Rows(rows), Output::kPrediction, scores));
    return scores;
  }

  const std::string root_ = fs::current_path().string() + "/python_engine_test";
  const std::shared_ptr<base::ManualClock> clock_ = std::make_shared<base::ManualClock>(1'000 * base::kDayUs);
  const std::shared_ptr<PythonHost> host_ = std::make_shared<PythonHost>(PythonHost{.settings = {}, .clock = clock_});

 private:
  struct Cleaner {
    std::string root;
    ~Cleaner() { fs::remove_all(root); }
  } cleaner_{root_};
};

}  // namespace sw::model
