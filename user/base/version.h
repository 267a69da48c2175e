/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFIOSCOPE_VERSION_H
#define VFIOSCOPE_VERSION_H

#define VS_VERSION "0.1.0"

#endif
