// What it takes to load a package, with the golden rows that it replays.
//
//   load_program write FOLDER MODEL CELLS EXPECTED RAW   writes a package as registration does; prints its id
//   load_program load FOLDER ID                          loads it from the blobs of that folder
//
// CELLS, EXPECTED and RAW are files of doubles: row-major inputs, and the original library's predictions
// and raw scores of them. `load` prints the median CPU and wall time of one load, and the heap that loading takes:
// the engine alone, the whole package, and the nodes and leaves as they were parsed.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "model/formats/lightgbm.h"
#include "model/package.h"
#include "store/blobs.h"
#include "timing.h"

namespace {

using bench_score::Fail;

constexpr int kLoads = 31;

template <typename T>
T Take(sw::Result<T> result) {
  if (!result) Fail(result.error().message);
  return *std::move(result);
}

std::vector<double> ReadDoubles(const char* path) {
  const std::string bytes = Take(sw::base::ReadFile(path));
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

sw::data::Batch BatchOf(const std::vector<double>& cells, const std::vector<std::string>& names) {
  sw::data::Batch batch;
  for (std::size_t c = 0; c < names.size(); ++c) {
    sw::data::Column column(sw::data::Type::kFloat64);
    for (std::size_t at = c; at < cells.size(); at += names.size()) column.AppendDouble(cells[at]);
    batch.AddColumn({names[c], sw::data::Type::kFloat64}, std::move(column));
  }
  return batch;
}

void Write(sw::store::Blobs& blobs, char** argv) {
  sw::model::PackageContent content;
  content.format = "lightgbm";
  content.model = Take(sw::base::ReadFile(argv[3]));
  content.inputs = Take(sw::model::MakeEngine(content.format, content.model))->inputs();
  content.golden = {.inputs = BatchOf(ReadDoubles(argv[4]), content.inputs), .expected = ReadDoubles(argv[5]), .raw = ReadDoubles(argv[6])};
  content.profile = sw::data::ProfileTable(content.golden.inputs);
  content.contract = sw::data::LearnContract(content.profile, content.golden.inputs);
  std::puts(Take(sw::model::WritePackage(content, [&](std::string_view bytes) { return blobs.Put(bytes); })).c_str());
}

std::size_t HeapBytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// What `make` leaves on the heap.
template <typename Make>
std::size_t HeapOf(const Make& make) {
  const std::size_t before = HeapBytes();
  const auto made = make();
  return HeapBytes() - before;
}

void Load(const sw::store::Blobs& blobs, const std::string& id) {
  const auto get = [&](std::string_view hash) { return blobs.ReadAll(hash); };
  const auto load = [&] { return Take(sw::model::LoadPackage(id, get)); };
  const auto first = load();
  if (!first->is_verified()) Fail(first->unverified());
  std::vector<double> cpu, wall;
  for (int i = 0; i < kLoads; ++i) {
    const double cpu_before = bench_score::ThreadTime();
    const auto before = std::chrono::steady_clock::now();
    const auto package = load();
    wall.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count());
    cpu.push_back((bench_score::ThreadTime() - cpu_before) / 1e6);
  }
  std::ranges::sort(cpu);
  std::ranges::sort(wall);
  const sw::Json manifest = Take(sw::Json::Parse(Take(get(id))));
  const std::string model = Take(get(manifest.Find("parts")->StringOr("model", "")));
  const std::size_t engine = HeapOf([&] { return Take(sw::model::MakeEngine("lightgbm", model)); });
  const std::size_t package = HeapOf(load);
  const sw::model::Forest forest = Take(sw::model::ParseLightGbm(model));
  std::size_t nodes = 0, leaves = 0;
  for (const sw::model::Tree& tree : forest.trees) nodes += tree.nodes.size(), leaves += tree.leaves.size();
  std::printf("{\"cpu_ms\": %.2f, \"wall_ms\": %.2f, \"golden_rows\": %zu, \"engine_bytes\": %zu, \"package_bytes\": %zu, "
              "\"node_bytes\": %zu, \"leaf_bytes\": %zu}\n",
              cpu[kLoads / 2], wall[kLoads / 2], first->golden_rows(), engine, package,
              nodes * sizeof(sw::model::Node), leaves * sizeof(double));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  sw::base::SystemClock clock;
  if (what == "write" && argc == 7) Write(*Take(sw::store::OpenDiskBlobs(argv[2], clock)), argv);
  else if (what == "load" && argc == 4) Load(*Take(sw::store::OpenDiskBlobs(argv[2], clock)), argv[3]);
  else Fail("usage: load_program write FOLDER MODEL CELLS EXPECTED RAW | load FOLDER ID");
}
