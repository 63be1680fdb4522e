/* card_charts.h: a card's charts as files. Private to publish/. */
#pragma once

#include "publish/card_folder.h"

/* Writes charts/{axis}.svg into the folder for each axis with figures: fidelity and damage by value, the rows by block. */
bool tt_card_charts_write(const tt_card_folder *folder, tt_error *err);
