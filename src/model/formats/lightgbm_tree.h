// One tree of LightGBM's text model. Internal to formats/lightgbm.cc.
#pragma once

#include "model/forest.h"
#include "model/formats/lightgbm_text.h"

namespace sw::model::lightgbm {

Result<Tree> ReadTree(const Fields& fields);

}  // namespace sw::model::lightgbm
