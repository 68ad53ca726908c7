// WriteReport: one HTML file that stands alone, with charts, of what the demo found.
#pragma once

#include <string>

#include "base/result.h"
#include "demo/story.h"

namespace sw::demo {

Status WriteReport(const Story& story, const std::string& path);

}  // namespace sw::demo
