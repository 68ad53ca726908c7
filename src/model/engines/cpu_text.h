// A CPU in words: what a timing holds for. Pure, but for CpuText().
#pragma once

#include <string>
#include <string_view>

#include "model/engines/cpu.h"

namespace sw::model {

// The processor's model by the text of Linux's /proc/cpuinfo: "AMD EPYC, family 25, model 17"; on Arm,
// which has no name there, implementer and part. "unknown processor" where the text says neither.
std::string CpuModel(std::string_view cpuinfo);
// "AMD EPYC, family 25, model 17, avx2, avx512".
std::string CpuText(std::string_view model, const Cpu& cpu);
// Of this machine.
std::string CpuText();

}  // namespace sw::model
