// Cpu: which instruction sets may be used. A value, so that tests can ask for a lesser machine.
#pragma once

namespace sw::model {

struct Cpu {
  bool avx2 = false;
  bool avx512 = false;  // F, BW, CD, DQ, VL and VBMI
};

// What this machine has.
Cpu DetectCpu();

}  // namespace sw::model
