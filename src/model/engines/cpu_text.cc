#include "model/engines/cpu_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"

namespace sw::model {
namespace {

// Of the first line "key<tab>: value" with this key; "" when there is none.
std::string_view ValueOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !line.starts_with(key)) continue;
    if (line.find_first_not_of(" \t", key.size()) != colon) continue;  // a longer key
    const std::size_t first = line.find_first_not_of(" \t", colon + 1);
    return first == line.npos ? std::string_view() : line.substr(first);
  }
  return {};
}

}  // namespace

std::string CpuModel(std::string_view cpuinfo) {
  const std::string_view name = ValueOf(cpuinfo, "model name"), implementer = ValueOf(cpuinfo, "CPU implementer");
  // Virtual machines leave a name without its generation.
  if (!name.empty()) return fmt::format("{}, family {}, model {}", name, ValueOf(cpuinfo, "cpu family"), ValueOf(cpuinfo, "model"));
  if (!implementer.empty()) return fmt::format("implementer {}, part {}", implementer, ValueOf(cpuinfo, "CPU part"));
  return "unknown processor";
}

std::string CpuText(std::string_view model, const Cpu& cpu) {
  return fmt::format("{}{}{}", model, cpu.avx2 ? ", avx2" : "", cpu.avx512 ? ", avx512" : "");
}

std::string CpuText() { return CpuText(CpuModel(base::ReadFile("/proc/cpuinfo").value_or("")), DetectCpu()); }

}  // namespace sw::model
