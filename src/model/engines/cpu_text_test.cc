#include "model/engines/cpu_text.h"

#include <gtest/gtest.h>

namespace sw::model {
namespace {

TEST(CpuText, NamesTheModelAndTheInstructionSets) {
  constexpr const char* kIntel = "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R)\n\n"
                                 "processor\t: 1\nmodel\t\t: 7\nmodel name\t: Other\n";
  EXPECT_EQ(CpuModel(kIntel), "Intel(R) Xeon(R), family 6, model 143");
  EXPECT_EQ(CpuText("A", {.avx2 = true}), "A, avx2");
  EXPECT_EQ(CpuText("A", {.avx2 = true, .avx512 = true}), "A, avx2, avx512");
  EXPECT_EQ(CpuText("A", {}), "A");
}

TEST(CpuText, OfArmIsImplementerAndPart) {
  constexpr const char* kArm = "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n";
  EXPECT_EQ(CpuModel(kArm), "implementer 0x41, part 0xd0c");
}

TEST(CpuText, OfAnythingElseIsUnknown) {
  for (const char* text : {"", "model name", "model name:\n", "model name of it: X", ":\n:"}) {
    EXPECT_EQ(CpuModel(text), "unknown processor") << text;
  }
  EXPECT_NE(CpuText().find("unknown"), 0U) << "this machine has a name";
}

}  // namespace
}  // namespace sw::model
