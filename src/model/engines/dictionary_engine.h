// An engine whose category columns arrive as labels: looks up their codes, then lets another engine
// score. Internal to the engines.
#pragma once

#include <memory>
#include <vector>

#include "model/engine.h"

namespace sw::model {

// One dictionary an input of `coded`, in its order. A label that the dictionary lacks is missing; so
// is a number, where the dictionary knows numbers. Where it knows none, numbers are codes already.
std::unique_ptr<Engine> MakeDictionaryEngine(std::vector<Dictionary> dictionaries, std::unique_ptr<Engine> coded);

}  // namespace sw::model
