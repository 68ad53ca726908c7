#include "base/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "base/files.h"

// Of jemalloc, which the program is linked with, and tests and sanitizers' builds are not.
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old, std::size_t* old_size, void* value, std::size_t value_size);

namespace sw::base {
namespace {

constexpr std::uint64_t kFileBytesMax = 64 << 10;

// The number at the beginning of a text; 0 when there is none, as in "max".
std::uint64_t NumberIn(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::uint64_t NumberInFile(const std::string& path) {
  const auto text = ReadFile(path, kFileBytesMax);
  return text ? NumberIn(*text) : 0;
}

std::uint64_t PageBytes() { return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)); }

// 0 stands for no limit.
std::uint64_t Less(std::uint64_t a, std::uint64_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

// Of the group and of all those that it lies in, up to the root's own, which is a container's.
std::uint64_t LeastOf(const std::string& root, std::string_view group, const char* file) {
  std::uint64_t least = 0;
  while (true) {
    least = Less(least, NumberInFile(JoinPath(root + std::string(group), file)));
    if (group.empty()) return least;
    group = group.substr(0, group.rfind('/') == group.npos ? 0 : group.rfind('/'));
  }
}

}  // namespace

std::uint64_t PrivateBytes(int process_id) {
  const std::string process = process_id == 0 ? "self" : std::to_string(process_id);
  const auto text = ReadFile("/proc/" + process + "/statm", kFileBytesMax);  // size, resident, shared, ... in pages
  if (!text) return 0;
  std::string_view left = *text;
  std::uint64_t pages[3] = {};
  for (std::uint64_t& number : pages) {
    number = NumberIn(left);
    left.remove_prefix(std::min(left.find(' '), left.size() - 1) + 1);
  }
  return (pages[1] - std::min(pages[1], pages[2])) * PageBytes();
}

void ReturnFreedMemory() {
  if (mallctl == nullptr) {
    malloc_trim(0);
    return;
  }
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL
}

std::uint64_t PrivateBytesOfChildren() {
  std::uint64_t bytes = 0;
  const auto threads = ListFolder("/proc/self/task");
  if (!threads) return 0;
  for (const std::string& thread : *threads) {
    const auto text = ReadFile("/proc/self/task/" + thread + "/children", kFileBytesMax);  // "12 34 "
    for (std::string_view left = text ? std::string_view(*text) : ""; NumberIn(left) != 0;) {
      bytes += PrivateBytes(static_cast<int>(NumberIn(left)));
      left.remove_prefix(std::min(left.find(' '), left.size() - 1) + 1);
    }
  }
  return bytes;
}

std::uint64_t ControlGroupLimit(const std::string& root, std::string_view groups) {
  std::uint64_t least = 0;
  while (!groups.empty()) {
    std::string_view line = groups.substr(0, groups.find('\n'));  // "NUMBER:CONTROLLERS:/PATH"
    groups.remove_prefix(std::min(line.size() + 1, groups.size()));
    line.remove_prefix(std::min(line.find(':'), line.size() - (line.empty() ? 0 : 1)) + (line.empty() ? 0 : 1));
    const std::string_view controllers = line.substr(0, line.find(':'));
    std::string_view path = line.substr(std::min(controllers.size() + 1, line.size()));
    if (path == "/") path = {};
    if (controllers.empty()) least = Less(least, LeastOf(root, path, "memory.max"));
    if (controllers == "memory") least = Less(least, LeastOf(root + "/memory", path, "memory.limit_in_bytes"));
  }
  return least;
}

std::uint64_t MemoryOfMachine() {
  const std::uint64_t machine = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * PageBytes();
  const auto groups = ReadFile("/proc/self/cgroup", kFileBytesMax);
  return Less(machine, ControlGroupLimit("/sys/fs/cgroup", groups ? *groups : std::string()));
}

}  // namespace sw::base
